package pki

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"

	"incamera/auth/strict"
)

// Identity is one process's key and certificate. It is immutable and safe for concurrent use.
type Identity struct {
	id    string
	role  Role
	leaf  *x509.Certificate
	key   ed25519.PrivateKey
	trust *Trust
}

func newIdentity(leaf *x509.Certificate, key ed25519.PrivateKey, trust *Trust) (*Identity, error) {
	id, role, err := trust.named(leaf)
	if err != nil {
		return nil, err
	}
	if !leaf.PublicKey.(ed25519.PublicKey).Equal(key.Public()) {
		return nil, fail(CodeKeyFile, errors.New("identity key and certificate do not match"))
	}
	return &Identity{id: id, role: role, leaf: leaf, key: key, trust: trust}, nil
}

// Save writes identity.key (0600), identity.crt and ca.crt into dir, replacing what was there.
func (id *Identity) Save(dir string) error {
	if err := writeKey(filepath.Join(dir, fileKey), id.key, false); err != nil {
		return err
	}
	if err := writeCert(filepath.Join(dir, fileCert), id.leaf.Raw); err != nil {
		return err
	}
	return writeCert(filepath.Join(dir, fileCACert), id.trust.ca.Raw)
}

// LoadIdentity reads what Save wrote; an identity.key that group or others can read is refused. Expiry is not
// judged here: see NotAfter.
func LoadIdentity(dir string) (*Identity, error) {
	key, err := readKey(filepath.Join(dir, fileKey))
	if err != nil {
		return nil, err
	}
	der, err := readPEM(filepath.Join(dir, fileCert), "CERTIFICATE", false)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fail(CodeCertificate, err)
	}
	ca, deployment, err := readCACert(filepath.Join(dir, fileCACert))
	if err != nil {
		return nil, err
	}
	if err := leaf.CheckSignatureFrom(ca); err != nil {
		return nil, fail(CodeCertificate, err)
	}
	return newIdentity(leaf, key, newTrust(ca, deployment))
}

func (id *Identity) ID() string          { return id.id }
func (id *Identity) Role() Role          { return id.role }
func (id *Identity) Deployment() string  { return id.trust.deployment }
func (id *Identity) Trust() *Trust       { return id.trust }
func (id *Identity) NotAfter() time.Time { return id.leaf.NotAfter }

// Sign makes a compact JWS of claims (a struct that encoding/json can write) with header {alg, typ, x5c}. Verify
// refuses null, so slices, maps and pointers that may be nil need omitempty.
func (id *Identity) Sign(typ string, claims any) (string, error) {
	return compact(id.key, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("x5c", id.chain()), claims)
}

// chain is the x5c header (RFC 7515 §4.1.6): the leaf alone, for both sides know the CA.
func (id *Identity) chain() []string { return []string{base64.StdEncoding.EncodeToString(id.leaf.Raw)} }

// compact makes a compact JWS (RFC 7515 §3.1) that is no longer than Verify reads.
func compact(key ed25519.PrivateKey, opts *jose.SignerOptions, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fail(CodeClaims, err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, opts)
	if err != nil {
		return "", fail(CodeSignature, err)
	}
	obj, err := s.Sign(payload)
	if err != nil {
		return "", fail(CodeSignature, err)
	}
	out, err := obj.CompactSerialize()
	if err != nil {
		return "", fail(CodeSignature, err)
	}
	if len(out) > strict.MaxCompact {
		return "", fail(CodeTooLarge, nil)
	}
	return out, nil
}

// SignBytes signs data as it is, under a context label that keeps it apart from every other use of the key.
func (id *Identity) SignBytes(label string, data []byte) []byte {
	return ed25519.Sign(id.key, labelled(label, data))
}

// Certificate is the DER of the process's certificate, for those who keep SignBytes signatures.
func (id *Identity) Certificate() []byte { return append([]byte(nil), id.leaf.Raw...) }

// ServerTLS accepts only peers of this deployment with one of roles (none given: any role).
func (id *Identity) ServerTLS(roles ...Role) *tls.Config {
	c := id.baseTLS()
	c.ClientAuth = tls.RequireAnyClientCert
	c.SessionTicketsDisabled = true
	c.VerifyConnection = func(st tls.ConnectionState) error {
		_, _, err := id.trust.peer(st, time.Now(), roles)
		return err
	}
	return c
}

// ClientTLS connects to exactly one peer: its id and role are checked, host names play no part.
func (id *Identity) ClientTLS(peerID string, role Role) *tls.Config {
	c := id.baseTLS()
	c.InsecureSkipVerify = true // replaced, not dropped: VerifyConnection holds the chain, role and id
	c.VerifyConnection = func(st tls.ConnectionState) error {
		got, _, err := id.trust.peer(st, time.Now(), []Role{role})
		if err != nil {
			return err
		}
		if got != peerID {
			return fail(CodeCertificate, errors.New("another process answered"))
		}
		return nil
	}
	return c
}

func (id *Identity) baseTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		Certificates: []tls.Certificate{{
			Certificate: [][]byte{id.leaf.Raw}, PrivateKey: id.key, Leaf: id.leaf,
		}},
	}
}

// PeerOf names the peer of a connection made with ServerTLS or ClientTLS, which have verified it already.
func PeerOf(state tls.ConnectionState) (id string, role Role, err error) {
	if !state.HandshakeComplete || len(state.PeerCertificates) == 0 {
		return "", "", fail(CodeCertificate, errors.New("no peer certificate"))
	}
	_, role, id, err = nameOf(state.PeerCertificates[0])
	return id, role, err
}

func labelled(label string, data []byte) []byte {
	out := make([]byte, 0, len(label)+1+len(data))
	out = append(out, label...)
	out = append(out, 0)
	return append(out, data...)
}
