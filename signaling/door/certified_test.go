package door

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOnlyAVerifiedCertificateMakesADeviceManaged(t *testing.T) {
	dir := t.TempDir()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if Certified(r) {
			_, _ = io.WriteString(w, "managed")
		}
	}))
	server.TLS = TLS(nil)
	laptop, stranger := clientCertificate(t), clientCertificate(t)
	authority := filepath.Join(dir, "clients.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: laptop.Certificate[0]})
	if err := os.WriteFile(authority, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ClientCA(server.TLS, authority); err != nil {
		t.Fatal(err)
	}
	server.StartTLS()
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	ask := func(certs ...tls.Certificate) (string, error) {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certs, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(certs) == 0 {
				return &tls.Certificate{}, nil
			}
			return &certs[0], nil
		}}}}
		req, err := http.NewRequest(http.MethodGet, server.URL, nil)
		if err != nil {
			return "", err
		}
		req.Header.Set("X-SSL-Client-Verify", "SUCCESS")
		req.Header.Set("X-Forwarded-Client-Cert", "Hash=abc")
		resp, err := c.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	if said, err := ask(); err != nil || said != "" {
		t.Errorf("headers alone: %q, %v", said, err)
	}
	if said, err := ask(laptop); err != nil || said != "managed" {
		t.Errorf("a certificate of the authority: %q, %v", said, err)
	}
	if said, err := ask(stranger); err == nil {
		t.Errorf("a certificate of another authority was let in: %q", said)
	}
}

// clientCertificate is its own authority.
func clientCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "laptop"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
