package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// maxKeyFile bounds the key file; a key takes some 300 bytes.
const maxKeyFile = 64 << 10

// ring is one reading of the key file.
type ring struct {
	handle   *keyset.Handle
	envelope tink.AEAD
	keys     []Key
	stamp    stamp
}

// Key is one key of the file, by its number.
type Key struct {
	ID      uint32
	Primary bool // new values are sealed with it
}

// stamp tells one state of the file from the next.
type stamp struct{ size, changed int64 }

func stampOf(i fs.FileInfo) stamp { return stamp{i.Size(), i.ModTime().UnixNano()} }

func (r *ring) has(id uint32) bool {
	for _, k := range r.keys {
		if k.ID == id {
			return true
		}
	}
	return false
}

func (r *ring) primary() uint32 {
	for _, k := range r.keys {
		if k.Primary {
			return k.ID
		}
	}
	return 0
}

// readFile reads a key file that only its owner can read.
func readFile(path string) (*ring, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s can be read by others (mode %o, must be 0600)", ErrKeyFile, path, info.Mode().Perm())
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("%w: %s is too large", ErrKeyFile, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(data)))
	if err != nil {
		return nil, fmt.Errorf("%w: %s is damaged", ErrKeyFile, path) // never the parser's words: they may quote the key
	}
	r, err := newRing(handle)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrKeyFile, path, err)
	}
	r.stamp = stampOf(info)
	return r, nil
}

func newRing(handle *keyset.Handle) (*ring, error) {
	wrap, err := aead.New(handle)
	if err != nil {
		return nil, err
	}
	r := &ring{handle: handle, envelope: aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), wrap)}
	primary, err := handle.Primary()
	if err != nil {
		return nil, err
	}
	for i := range handle.Len() {
		e, err := handle.Entry(i)
		if err != nil {
			return nil, err
		}
		r.keys = append(r.keys, Key{ID: e.KeyID(), Primary: e.KeyID() == primary.KeyID()})
	}
	return r, nil
}

// createFile makes a key file that must not be there yet; of two processes that start at once one key wins.
func createFile(path string) (*ring, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	// The finished file is linked into place, so that nobody reads half a key or believes in one of their own.
	err = writeFile(path, handle, func(from string) error {
		if err := os.Link(from, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return readFile(path)
}

// writeFile writes a whole private file beside path, and has it put in place.
func writeFile(path string, handle *keyset.Handle, place func(from string) error) error {
	var data bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&data)); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	f, err := os.CreateTemp(dir, ".seal-*") // opened 0600
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data.Bytes())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if err := place(f.Name()); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return nil
}

// Outside reports a key file that lies in the data directory, also by way of links: a copy of the data would hold the
// key, too.
func Outside(path, dataDir string) error {
	file, err1 := real(path)
	dir, err2 := real(dataDir)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if rel, err := filepath.Rel(dir, file); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return fmt.Errorf("%w: %s lies in the data directory %s: keep it elsewhere, or a copy of the data holds its key", ErrKeyFile, path, dataDir)
	}
	return nil
}

// real is the absolute path without links, of as much of it as is there.
func real(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for rest := ""; ; {
		found, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(found, rest), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || filepath.Dir(path) == path {
			return "", err
		}
		path, rest = filepath.Dir(path), filepath.Join(filepath.Base(path), rest)
	}
}
