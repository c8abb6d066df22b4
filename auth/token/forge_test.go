package token_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"incamera/auth/pki"
)

// signerOf takes the private key out of an identity the way a thief of its files would.
func signerOf(id *pki.Identity) crypto.Signer {
	dir, err := os.MkdirTemp("", "identity")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := id.Save(dir); err != nil {
		panic(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "identity.key"))
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(raw)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic(err)
	}
	return key.(ed25519.PrivateKey)
}

func template(t testing.TB, uri string) *x509.Certificate {
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	return &x509.Certificate{
		SerialNumber: big.NewInt(7), URIs: []*url.URL{u}, NotBefore: t0.Add(-time.Hour), NotAfter: t0.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
}

func selfSigned(t testing.TB, key crypto.Signer, uri string) string {
	c := template(t, uri)
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// signedByLeaf is a certificate that an honest process's own key signed, as if it were a CA.
func signedByLeaf(t testing.TB, parent *pki.Identity, key crypto.Signer) string {
	leaf, err := x509.ParseCertificate(parent.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template(t, "incamera://example/signaling/s1"), leaf, key.Public(), signerOf(parent))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}
