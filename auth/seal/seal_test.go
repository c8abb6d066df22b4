package seal

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"incamera/auth/internal/storetest"
	"incamera/auth/store"
)

var (
	ctx  = context.Background()
	row1 = Row{Table: "factors", Column: "sealed", ID: "u1/f1"}
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func start(t testing.TB, s *store.Store, path string) *Keys {
	t.Helper()
	k, err := Start(ctx, Options{Store: s, File: path})
	must(t, err)
	return k
}

func factor(t testing.TB, s *store.Store, k *Keys, user, id string) {
	t.Helper()
	now := time.Now()
	if _, err := s.Users.Get(ctx, user); err != nil {
		must(t, s.Users.Create(ctx, store.User{ID: user, Login: user, Name: user, Role: "user", State: store.UserActive, CreatedAt: now}))
	}
	sealed, err := k.Seal([]byte("secret of "+user), Row{"factors", "sealed", user + "/" + id})
	must(t, err)
	must(t, s.Factors.Create(ctx, store.Factor{ID: id, User: user, Kind: "totp", Sealed: sealed, ConfirmedAt: now, CreatedAt: now}))
}

func TestASecretOpensWithItsKeyTableColumnAndRowOnly(t *testing.T) {
	s, path := storetest.SQLite(t), filepath.Join(t.TempDir(), "keys", "seal.json")
	secret := []byte("JBSWY3DPEHPK3PXP")
	sealed, err := start(t, s, path).Seal(secret, row1)
	must(t, err)
	if strings.Contains(sealed, string(secret)) || strings.Contains(sealed, base64.RawURLEncoding.EncodeToString(secret)) {
		t.Fatal("the secret can be read")
	}
	k := start(t, s, path)
	if got, err := k.Open(sealed, row1); err != nil || !bytes.Equal(got, secret) {
		t.Fatalf("%q, %v", got, err)
	}
	for name, r := range map[string]Row{
		"another row": {"factors", "sealed", "u1/f2"}, "another person": {"factors", "sealed", "u2/f1"},
		"another column": {"factors", "id", "u1/f1"}, "another table": {"users", "sealed", "u1/f1"}, "no row": {},
		"names run together": {"factorss", "ealed", "u1/f1"}, "a name with a zero": {"factors", "sealed\x00u1", "f1"},
	} {
		if _, err := k.Open(sealed, r); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := start(t, storetest.SQLite(t), filepath.Join(t.TempDir(), "seal.json"))
	if _, err := other.Open(sealed, row1); !errors.Is(err, ErrSealed) {
		t.Errorf("another key: %v", err)
	}
	for i := range sealed {
		if _, err := k.Open(sealed[:i], row1); !errors.Is(err, ErrSealed) {
			t.Fatalf("cut after %d bytes: %v", i, err)
		}
		changed := []byte(sealed)
		changed[i] ^= 1
		if got, err := k.Open(string(changed), row1); err == nil {
			t.Fatalf("byte %d changed: opened %q", i, got)
		}
	}
}

func TestTheKeyFileIsPrivateAndOutsideTheData(t *testing.T) {
	s, data := storetest.SQLite(t), t.TempDir()
	path := filepath.Join(t.TempDir(), "seal.json")
	start(t, s, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(data, link))
	for _, inside := range []string{
		filepath.Join(data, "seal.json"), filepath.Join(data, "keys", "seal.json"), filepath.Join(data, "..", filepath.Base(data), "x.json"),
		filepath.Join(link, "seal.json"),
	} {
		if _, err := Start(ctx, Options{Store: s, File: inside, DataDir: data, Strict: true}); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%s: %v", inside, err)
		}
		if _, err := os.Stat(inside); err == nil {
			t.Errorf("%s was made", inside)
		}
	}
	if _, err := Start(ctx, Options{Store: s, File: path, DataDir: data, Strict: true}); err != nil {
		t.Error("control:", err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o666} {
		must(t, os.Chmod(path, mode))
		if _, err := Start(ctx, Options{Store: s, File: path}); !errors.Is(err, ErrKeyFile) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

// A lost, damaged or foreign key file stops the start, and nothing is written over.
func TestALostOrForeignKeyFileChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		path := filepath.Join(t.TempDir(), "seal.json")
		k := start(t, s, path)
		factor(t, s, k, "u1", "f1")
		kept, err := os.ReadFile(path)
		must(t, err)
		index, err := s.Settings.Get(ctx, indexName)
		must(t, err)

		must(t, os.Remove(path))
		if _, err := Start(ctx, Options{Store: s, File: path}); !errors.Is(err, ErrKeyFile) || !strings.Contains(err.Error(), "2 values") {
			t.Errorf("lost: %v", err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a new file was made")
		}
		foreign := filepath.Join(t.TempDir(), "foreign.json")
		start(t, storetest.SQLite(t), foreign)
		if _, err := Start(ctx, Options{Store: s, File: foreign}); !errors.Is(err, ErrOtherKey) {
			t.Errorf("foreign: %v", err)
		}
		for _, damage := range []string{"", "{}", "not a key", string(kept[:len(kept)/2])} {
			must(t, os.WriteFile(path, []byte(damage), 0o600))
			_, err := Start(ctx, Options{Store: s, File: path})
			if !errors.Is(err, ErrKeyFile) || strings.Contains(err.Error(), "not a key") {
				t.Errorf("damaged: %v", err)
			}
			if now, _ := os.ReadFile(path); string(now) != damage {
				t.Error("the file was changed")
			}
		}
		if now, err := s.Settings.Get(ctx, indexName); err != nil || now != index {
			t.Error("the database was changed", err)
		}
		must(t, os.WriteFile(path, kept, 0o600))
		start(t, s, path) // control: the right file comes back
	})
}

// Values from before this package: no mark, and a label of the second factor alone.
func TestFactorsSealedBeforeStillOpenAndAreBroughtOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		path := filepath.Join(t.TempDir(), "vault.json")
		r, err := createFile(path)
		must(t, err)
		now := time.Now()
		must(t, s.Users.Create(ctx, store.User{ID: "u1", Login: "u1", Name: "U", Role: "user", State: store.UserActive, CreatedAt: now}))
		old, err := r.envelope.Encrypt([]byte("seed"), []byte("factor/u1/f1"))
		must(t, err)
		must(t, s.Factors.Create(ctx, store.Factor{ID: "f1", User: "u1", Kind: "totp", Sealed: base64.RawURLEncoding.EncodeToString(old), ConfirmedAt: now, CreatedAt: now}))

		foreign := filepath.Join(t.TempDir(), "foreign.json")
		_, err = createFile(foreign)
		must(t, err)
		if _, err := Start(ctx, Options{Store: s, File: foreign}); !errors.Is(err, ErrOtherKey) {
			t.Errorf("foreign: %v", err)
		}
		if _, err := s.Settings.Get(ctx, indexName); !errors.Is(err, store.ErrNotFound) {
			t.Error("the foreign file was taken for the database's")
		}

		k := start(t, s, path)
		read := func() string {
			list, err := s.Factors.Of(ctx, "u1")
			must(t, err)
			return list[0].Sealed
		}
		if got, err := k.Open(read(), row1); err != nil || string(got) != "seed" {
			t.Fatalf("%q, %v", got, err)
		}
		if _, err := k.Open(read(), Row{"users", "mail_sealed", "u1/f1"}); !errors.Is(err, ErrSealed) {
			t.Error("an old value opened elsewhere:", err)
		}
		if n, err := k.Reseal(ctx, s); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if !strings.HasPrefix(read(), version) {
			t.Error("not brought over")
		}
		if got, err := k.Open(read(), row1); err != nil || string(got) != "seed" {
			t.Fatalf("%q, %v", got, err)
		}
		if n, err := k.Reseal(ctx, s); n != 0 || err != nil {
			t.Error("again:", n, err)
		}
	})
}

func TestTheIndexFindsEqualValuesOnlyWithItsKey(t *testing.T) {
	s, path := storetest.SQLite(t), filepath.Join(t.TempDir(), "seal.json")
	k := start(t, s, path)
	one := k.Index("users", "mail", "a@example.org")
	if again := start(t, s, path).Index("users", "mail", "a@example.org"); again != one {
		t.Error("another index after a restart")
	}
	for _, other := range []string{k.Index("users", "mail", "b@example.org"), k.Index("users", "login", "a@example.org"),
		start(t, storetest.SQLite(t), filepath.Join(t.TempDir(), "x.json")).Index("users", "mail", "a@example.org")} {
		if other == one {
			t.Error("the same index for another value, column or deployment")
		}
	}
}

func TestProcessesThatStartAtOnceShareOneKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		path := filepath.Join(t.TempDir(), "keys", "seal.json")
		all := make([]*Keys, 6)
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() {
				k, err := Start(ctx, Options{Store: s, File: path})
				if err != nil {
					t.Error(err)
				}
				all[i] = k
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		sealed, err := all[0].Seal([]byte("x"), row1)
		must(t, err)
		for i, k := range all {
			if _, err := k.Open(sealed, row1); err != nil || k.Index("a", "b", "c") != all[0].Index("a", "b", "c") {
				t.Errorf("%d has a key of its own: %v", i, err)
			}
		}
	})
}

func FuzzOpen(f *testing.F) {
	k := start(f, storetest.SQLite(f), filepath.Join(f.TempDir(), "seal.json"))
	good, _ := k.Seal([]byte("x"), row1)
	f.Add(good)
	f.Add("")
	f.Add(version)
	f.Add(version + "_____w")
	f.Add(strings.TrimPrefix(good, version))
	f.Fuzz(func(t *testing.T, sealed string) {
		if got, err := k.Open(sealed, row1); err == nil && !bytes.Equal(got, []byte("x")) {
			t.Fatalf("opened %q", sealed)
		}
	})
}
