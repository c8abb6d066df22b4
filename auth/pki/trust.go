package pki

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"incamera/auth/strict"
)

// Trust verifies certificates and signed objects of one deployment. It is immutable and safe for concurrent use.
type Trust struct {
	deployment string
	ca         *x509.Certificate
	pool       *x509.CertPool
}

func newTrust(ca *x509.Certificate, deployment string) *Trust {
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return &Trust{deployment: deployment, ca: ca, pool: pool}
}

// LoadTrust reads ca.crt: enough to verify, and no secret.
func LoadTrust(path string) (*Trust, error) {
	ca, deployment, err := readCACert(path)
	if err != nil {
		return nil, err
	}
	return newTrust(ca, deployment), nil
}

// Deployment is the name that every certificate must carry.
func (t *Trust) Deployment() string { return t.deployment }

// header is all that a signed object of ours may have in its protected header. Kid and Key are of those alone that a
// Key signed.
type header struct {
	Alg string     `json:"alg"`
	Typ string     `json:"typ"`
	X5C []string   `json:"x5c"`
	Kid string     `json:"kid,omitempty"`
	Key *statement `json:"key,omitempty"`
}

// Signer is who signed an object. Kid is empty when the process's identity did it itself.
type Signer struct {
	ID, Kid string
	Window  // of the key
}

// Verify checks jws (size, header, certificate, role, signature) and reads its payload strictly into claims, a
// pointer to a struct. It judges no claim: audience and times are the caller's. At least one role must be given.
func (t *Trust) Verify(jws, typ string, claims any, now time.Time, roles ...Role) (signerID string, err error) {
	s, err := t.verify(jws, typ, claims, now, roles)
	if err == nil && s.Kid != "" {
		return "", fail(CodeHeader, nil)
	}
	return s.ID, err
}

// VerifyKeyed is Verify for objects that a Key of the process may have signed, too. That the object was made in the
// key's window is the caller's to judge: only the claims say when.
func (t *Trust) VerifyKeyed(jws, typ string, claims any, now time.Time, roles ...Role) (Signer, error) {
	return t.verify(jws, typ, claims, now, roles)
}

func (t *Trust) verify(jws, typ string, claims any, now time.Time, roles []Role) (Signer, error) {
	h, leaf, err := readHeader(jws, typ)
	if err != nil {
		return Signer{}, err
	}
	id, role, err := t.verifyLeaf(leaf, now)
	if err != nil {
		return Signer{}, err
	}
	if !slices.Contains(roles, role) {
		return Signer{}, fail(CodeRole, nil)
	}
	signer, key := Signer{ID: id}, leaf.PublicKey.(ed25519.PublicKey)
	if h.Key != nil {
		if key, err = h.Key.open(h.Kid, key); err != nil {
			return Signer{}, err
		}
		signer.Kid, signer.Window = h.Kid, h.Key.window()
	}
	obj, err := jose.ParseSignedCompact(jws, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return Signer{}, fail(CodeMalformed, nil)
	}
	payload, err := obj.Verify(key)
	if err != nil {
		return Signer{}, fail(CodeSignature, nil)
	}
	if err := strict.Decode(payload, claims); err != nil {
		return Signer{}, fail(CodeClaims, err)
	}
	return signer, nil
}

// readHeader reads what a signed object says of itself; nothing of it is believed yet.
func readHeader(jws, typ string) (h header, leaf *x509.Certificate, err error) {
	parts, err := strict.Split(jws)
	if errors.Is(err, strict.ErrTooLarge) {
		return h, nil, fail(CodeTooLarge, nil)
	}
	if err != nil {
		return h, nil, fail(CodeMalformed, nil)
	}
	if err := strict.Decode(parts.Header, &h); err != nil {
		return h, nil, fail(CodeHeader, nil)
	}
	if h.Alg != string(jose.EdDSA) {
		return h, nil, fail(CodeAlgorithm, nil)
	}
	if h.Typ != typ {
		return h, nil, fail(CodeType, nil)
	}
	if len(h.X5C) != 1 || (h.Kid == "") != (h.Key == nil) {
		return h, nil, fail(CodeHeader, nil)
	}
	der, err := base64.StdEncoding.Strict().DecodeString(h.X5C[0])
	if err != nil || strings.ContainsAny(h.X5C[0], "\r\n") {
		return h, nil, fail(CodeHeader, nil)
	}
	if leaf, err = x509.ParseCertificate(der); err != nil {
		return h, nil, fail(CodeCertificate, nil)
	}
	return h, leaf, nil
}

// VerifyBytes checks a signature of SignBytes by the process whose certificate (DER) is given.
func (t *Trust) VerifyBytes(label string, data, sig, certDER []byte, now time.Time, roles ...Role) (string, error) {
	leaf, err := x509.ParseCertificate(certDER)
	if err != nil {
		return "", fail(CodeCertificate, nil)
	}
	id, role, err := t.verifyLeaf(leaf, now)
	if err != nil {
		return "", err
	}
	if !slices.Contains(roles, role) {
		return "", fail(CodeRole, nil)
	}
	if !ed25519.Verify(leaf.PublicKey.(ed25519.PublicKey), labelled(label, data), sig) {
		return "", fail(CodeSignature, nil)
	}
	return id, nil
}

// verifyLeaf accepts a certificate that our CA signed directly, that is valid now, and that is named as ours.
func (t *Trust) verifyLeaf(leaf *x509.Certificate, now time.Time) (string, Role, error) {
	id, role, err := t.named(leaf)
	if err != nil {
		return "", "", err
	}
	_, err = leaf.Verify(x509.VerifyOptions{
		Roots: t.pool, Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		return "", "", fail(CodeExpired, nil)
	}
	if err != nil {
		return "", "", fail(CodeCertificate, nil)
	}
	return id, role, nil
}

// named reads the names of a certificate that is a leaf with an Ed25519 key in our deployment.
func (t *Trust) named(leaf *x509.Certificate) (string, Role, error) {
	deployment, role, id, err := nameOf(leaf)
	if err != nil {
		return "", "", err
	}
	if deployment != t.deployment {
		return "", "", fail(CodeCertificate, errors.New("another deployment"))
	}
	return id, role, nil
}

func nameOf(leaf *x509.Certificate) (deployment string, role Role, id string, err error) {
	bad := fail(CodeCertificate, errors.New("not a process certificate"))
	if _, ok := leaf.PublicKey.(ed25519.PublicKey); !ok || leaf.IsCA || len(leaf.URIs) != 1 {
		return "", "", "", bad
	}
	u := leaf.URIs[0]
	parts := strings.Split(u.Path, "/")
	if u.Scheme != scheme || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(parts) != 3 ||
		parts[0] != "" || !Role(parts[1]).valid() || !idRE.MatchString(parts[2]) || !nameRE.MatchString(u.Host) {
		return "", "", "", bad
	}
	return u.Host, Role(parts[1]), parts[2], nil
}

func (t *Trust) peer(st tls.ConnectionState, now time.Time, roles []Role) (string, Role, error) {
	if len(st.PeerCertificates) != 1 {
		return "", "", fail(CodeCertificate, errors.New("expected one certificate"))
	}
	id, role, err := t.verifyLeaf(st.PeerCertificates[0], now)
	if err != nil {
		return "", "", err
	}
	if len(roles) > 0 && !slices.Contains(roles, role) {
		return "", "", fail(CodeRole, nil)
	}
	return id, role, nil
}
