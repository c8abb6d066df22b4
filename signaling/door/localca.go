package door

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// Lifetimes of the local CA and its leaf. Browsers refuse leaves of more than 398 days, even from private CAs.
const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 397 * 24 * time.Hour
	renewAt  = 60 * 24 * time.Hour
)

// LocalCA makes, once, a certificate authority in dir and a leaf for host (a name or an address) and this machine's
// addresses. It returns the leaf's files and the CA's, which people's browsers must trust.
func LocalCA(dir, host string, addrs []netip.Addr, now time.Time) (cert, key, ca string, err error) {
	if host == "" {
		return "", "", "", errors.New("door: the local CA needs a host name")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", "", fmt.Errorf("door: %w", err)
	}
	ca = filepath.Join(dir, "ca.crt")
	caKey := filepath.Join(dir, "ca.key")
	cert, key = filepath.Join(dir, "leaf.crt"), filepath.Join(dir, "leaf.key")
	if _, err := os.Stat(ca); errors.Is(err, os.ErrNotExist) {
		if err := makeCA(ca, caKey, now); err != nil {
			return "", "", "", fmt.Errorf("door: local CA: %w", err)
		}
	}
	if leafGood(cert, key, host, now) {
		return cert, key, ca, nil
	}
	if err := makeLeaf(ca, caKey, cert, key, host, addrs, now); err != nil {
		return "", "", "", fmt.Errorf("door: local certificate: %w", err)
	}
	return cert, key, ca, nil
}

func leafGood(cert, key, host string, now time.Time) bool {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return false
	}
	return pair.Leaf.VerifyHostname(host) == nil && now.Add(renewAt).Before(pair.Leaf.NotAfter)
}

func makeCA(cert, key string, now time.Time) error {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := template("InCamera local CA", now, caLife)
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero = true, true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, k.Public(), k)
	if err != nil {
		return err
	}
	return writePair(cert, key, der, k)
}

func makeLeaf(ca, caKey, cert, key, host string, addrs []netip.Addr, now time.Time) error {
	signer, err := tls.LoadX509KeyPair(ca, caKey)
	if err != nil {
		return err
	}
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := template(host, now, leafLife)
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if ip := net.ParseIP(host); ip != nil {
		t.IPAddresses = append(t.IPAddresses, ip)
	} else {
		t.DNSNames = []string{host}
	}
	for _, a := range addrs {
		t.IPAddresses = append(t.IPAddresses, a.AsSlice())
	}
	der, err := x509.CreateCertificate(rand.Reader, t, signer.Leaf, k.Public(), signer.PrivateKey)
	if err != nil {
		return err
	}
	return writePair(cert, key, der, k)
}

func template(name string, now time.Time, life time.Duration) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand does not fail on Linux
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: []string{"InCamera"}},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(life),
	}
}

// writePair writes the key before the certificate, each whole or not at all.
func writePair(cert, key string, der []byte, k *ecdsa.PrivateKey) error {
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		path, kind string
		der        []byte
		mode       os.FileMode
	}{{key, "PRIVATE KEY", keyDER, 0o600}, {cert, "CERTIFICATE", der, 0o644}} {
		tmp := f.path + ".new"
		if err := os.WriteFile(tmp, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}), f.mode); err != nil {
			return err
		}
		if err := os.Rename(tmp, f.path); err != nil {
			return err
		}
	}
	return nil
}
