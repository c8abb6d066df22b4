package pki

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// writeKey writes a PKCS #8 key readable by its owner only; with fresh set it never replaces a file.
func writeKey(path string, key ed25519.PrivateKey, fresh bool) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fail(CodeKeyFile, err)
	}
	if fresh {
		if _, err := os.Lstat(path); err == nil {
			return fail(CodeKeyFile, fmt.Errorf("%s exists", path))
		}
	}
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func writeCert(path string, der []byte) error {
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

// writeFile replaces path as a whole, so that a crash leaves the old file or the new one.
func writeFile(path string, data []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(CodeKeyFile, err)
	}
	f, err := os.CreateTemp(dir, ".new-*") // CreateTemp opens 0600
	if err != nil {
		return fail(CodeKeyFile, err)
	}
	defer os.Remove(f.Name()) // gone already after the rename
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fail(CodeKeyFile, err)
	}
	return nil
}

func readKey(path string) (ed25519.PrivateKey, error) {
	block, err := readPEM(path, "PRIVATE KEY", true)
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(block)
	if err != nil {
		return nil, fail(CodeKeyFile, fmt.Errorf("%s: not a PKCS #8 key", path))
	}
	key, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, fail(CodeKeyFile, fmt.Errorf("%s: not an Ed25519 key", path))
	}
	return key, nil
}

func readCACert(path string) (*x509.Certificate, string, error) {
	der, err := readPEM(path, "CERTIFICATE", false)
	if err != nil {
		return nil, "", err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, "", fail(CodeCertificate, err)
	}
	if _, ok := cert.PublicKey.(ed25519.PublicKey); !ok || !cert.IsCA || len(cert.URIs) != 1 ||
		cert.URIs[0].Scheme != scheme || cert.URIs[0].Path != "/ca" || !nameRE.MatchString(cert.URIs[0].Host) {
		return nil, "", fail(CodeCertificate, fmt.Errorf("%s: not an InCamera CA", path))
	}
	return cert, cert.URIs[0].Host, nil
}

func readPEM(path, kind string, secret bool) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fail(CodeKeyFile, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fail(CodeKeyFile, err)
	}
	if secret && st.Mode().Perm()&0o077 != 0 {
		return nil, fail(CodeKeyFile, fmt.Errorf("%s is open to group or others (mode %04o): chmod 600 it",
			path, st.Mode().Perm()))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize))
	if err != nil {
		return nil, fail(CodeKeyFile, err)
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != kind || len(rest) != 0 {
		return nil, fail(CodeKeyFile, fmt.Errorf("%s: %w", path, errors.New("expected one PEM "+kind)))
	}
	return block.Bytes, nil
}
