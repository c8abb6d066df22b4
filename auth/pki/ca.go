package pki

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/url"
	"path/filepath"
	"regexp"
	"time"
)

// Role is what a process is allowed to be.
type Role string

const (
	RoleSignaling Role = "signaling"
	RoleNode      Role = "node"
)

func (r Role) valid() bool { return r == RoleSignaling || r == RoleNode }

const (
	scheme      = "incamera"
	backdate    = 5 * time.Minute
	caValidity  = 10 * 365 * 24 * time.Hour
	fileCAKey   = "ca.key"
	fileCACert  = "ca.crt"
	fileKey     = "identity.key"
	fileCert    = "identity.crt"
	maxFileSize = 64 << 10
)

var (
	nameRE = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)
	idRE   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)
)

// CA issues process identities. Only the enrolling command and `serve` hold one; signaling and nodes do not.
type CA struct {
	deployment string
	cert       *x509.Certificate
	key        ed25519.PrivateKey
}

// CreateCA makes a CA and writes ca.key (0600) and ca.crt into dir. It refuses to replace an existing key.
func CreateCA(dir, deployment string) (*CA, error) {
	if !nameRE.MatchString(deployment) {
		return nil, fail(CodeInvalidName, errors.New("deployment"))
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fail(CodeKeyFile, err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, fail(CodeKeyFile, err)
	}
	now := time.Now()
	tmpl := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "InCamera CA " + deployment},
		URIs:                  []*url.URL{{Scheme: scheme, Host: deployment, Path: "/ca"}},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(caValidity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, pub, key)
	if err != nil {
		return nil, fail(CodeCertificate, err)
	}
	if err := writeKey(filepath.Join(dir, fileCAKey), key, true); err != nil {
		return nil, err
	}
	if err := writeCert(filepath.Join(dir, fileCACert), der); err != nil {
		return nil, err
	}
	return LoadCA(dir)
}

// LoadCA reads a CA; a key file that group or others can read is refused.
func LoadCA(dir string) (*CA, error) {
	key, err := readKey(filepath.Join(dir, fileCAKey))
	if err != nil {
		return nil, err
	}
	cert, deployment, err := readCACert(filepath.Join(dir, fileCACert))
	if err != nil {
		return nil, err
	}
	if !cert.PublicKey.(ed25519.PublicKey).Equal(key.Public()) {
		return nil, fail(CodeKeyFile, errors.New("CA key and certificate do not match"))
	}
	return &CA{deployment: deployment, cert: cert, key: key}, nil
}

// Deployment is the name all identities of this CA carry.
func (c *CA) Deployment() string { return c.deployment }

// Issue makes a new key and certificate for one process.
func (c *CA) Issue(id string, role Role, now time.Time, validity time.Duration) (*Identity, error) {
	if !idRE.MatchString(id) || !role.valid() || validity <= 0 {
		return nil, fail(CodeInvalidName, errors.New("id, role or validity"))
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fail(CodeKeyFile, err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, fail(CodeKeyFile, err)
	}
	end := now.Add(validity)
	if end.After(c.cert.NotAfter) {
		end = c.cert.NotAfter
	}
	tmpl := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: string(role) + " " + id},
		URIs:                  []*url.URL{{Scheme: scheme, Host: c.deployment, Path: "/" + string(role) + "/" + id}},
		NotBefore:             now.Add(-backdate),
		NotAfter:              end,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, c.cert, pub, c.key)
	if err != nil {
		return nil, fail(CodeCertificate, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fail(CodeCertificate, err)
	}
	return newIdentity(leaf, key, newTrust(c.cert, c.deployment))
}

// Trust verifies what identities of this CA signed.
func (c *CA) Trust() *Trust { return newTrust(c.cert, c.deployment) }

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
}
