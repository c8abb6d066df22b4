package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func open(t *testing.T, path string) *Vault {
	t.Helper()
	v, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestASecretOpensWithTheSameKeyAndRowOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "kek.json")
	secret := []byte("JBSWY3DPEHPK3PXP")
	sealed, err := open(t, path).Seal(secret, "factor/1")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, secret) {
		t.Fatal("the secret can be read")
	}
	again := open(t, path)
	if got, err := again.Unseal(sealed, "factor/1"); err != nil || !bytes.Equal(got, secret) {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := again.Unseal(sealed, "factor/2"); !errors.Is(err, ErrSealed) {
		t.Errorf("another row: %v", err)
	}
	if _, err := open(t, filepath.Join(t.TempDir(), "kek.json")).Unseal(sealed, "factor/1"); !errors.Is(err, ErrSealed) {
		t.Errorf("another key: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := again.Unseal(changed, "factor/1"); !errors.Is(err, ErrSealed) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
}

func TestTheKeyFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek.json")
	open(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrKeyFile) {
		t.Errorf("readable by the group: %v", err)
	}
}

func TestADamagedKeyFileIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek.json")
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrKeyFile) {
		t.Fatalf("err = %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "{}" {
		t.Error("the file was changed")
	}
}

func FuzzUnseal(f *testing.F) {
	v, err := Open(filepath.Join(f.TempDir(), "kek.json"))
	if err != nil {
		f.Fatal(err)
	}
	good, _ := v.Seal([]byte("x"), "row")
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if got, err := v.Unseal(sealed, "row"); err == nil && !bytes.Equal(got, []byte("x")) {
			t.Fatalf("opened %x", sealed)
		}
	})
}
