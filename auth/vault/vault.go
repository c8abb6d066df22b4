package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Errors a caller can tell apart.
var (
	// ErrKeyFile: the key file is missing, broken, or readable by others.
	ErrKeyFile = errors.New("vault: key file")
	// ErrSealed: the sealed value does not open here: another key, another row, or changed.
	ErrSealed = errors.New("vault: the sealed value does not open")
)

// maxSecret bounds what is sealed; a factor's secret is some dozens of bytes.
const maxSecret = 16 << 10

// Vault seals and opens. It is safe for concurrent use.
type Vault struct {
	envelope tink.AEAD
}

// Open reads the key file at path, or makes one there when there is none. It refuses a file that group or others can
// read.
func Open(path string) (*Vault, error) {
	handle, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		handle, err = create(path)
	}
	if err != nil {
		return nil, err
	}
	kek, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return &Vault{envelope: aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), kek)}, nil
}

func read(path string) (*keyset.Handle, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s can be read by others (mode %o, must be 0600)", ErrKeyFile, path, info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(data)))
	if err != nil {
		return nil, fmt.Errorf("%w: %s is damaged", ErrKeyFile, path) // never the parser's words: they may quote the key
	}
	return handle, nil
}

func create(path string) (*keyset.Handle, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	var data bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&data)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	// The finished file is linked into place: of two processes that start at once one key wins, and nobody reads half
	// a key or believes in one of their own.
	f, err := os.CreateTemp(filepath.Dir(path), ".kek-*") // opened 0600
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data.Bytes())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return read(path)
}

// Seal encrypts secret for the row that label names ("factor/<id>").
func (v *Vault) Seal(secret []byte, label string) ([]byte, error) {
	if len(secret) > maxSecret {
		return nil, fmt.Errorf("vault: %d bytes are no secret, at most %d", len(secret), maxSecret)
	}
	return v.envelope.Encrypt(secret, []byte(label))
}

// Unseal opens what Seal made for the same label; the error is ErrSealed.
func (v *Vault) Unseal(sealed []byte, label string) ([]byte, error) {
	secret, err := v.envelope.Decrypt(sealed, []byte(label))
	if err != nil {
		return nil, ErrSealed
	}
	return secret, nil
}
