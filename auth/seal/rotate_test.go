package seal

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"incamera/auth/internal/storetest"
	"incamera/auth/store"
)

// Two running instances and an operator's command, all on one file and one database.
func TestKeysRotateWhileTwoInstancesRun(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		path := filepath.Join(t.TempDir(), "seal.json")
		a, b := start(t, s, path), start(t, s, path)
		clock := time.Now()
		b.now = func() time.Time { return clock }
		for i := range 5 {
			factor(t, s, a, "u"+strconv.Itoa(i), "f"+strconv.Itoa(i))
		}
		old := a.List()[0].ID
		before, err := a.Seal([]byte("old"), row1)
		must(t, err)

		operator, err := Open(path)
		must(t, err)
		fresh, err := operator.Add()
		must(t, err)
		if k := a.List(); len(k) != 2 || !k[0].Primary || k[1].Primary {
			t.Fatalf("a new key must not seal yet: %+v", k)
		}
		must(t, operator.Promote(fresh))
		a.current(true)
		after, err := a.Seal([]byte("new"), row1) // a has read the file, b has not
		must(t, err)
		if id, _ := keyOfText(after); id != fresh {
			t.Fatalf("sealed with %d, want %d", id, fresh)
		}
		for text, want := range map[string]string{before: "old", after: "new"} {
			for who, k := range map[string]*Keys{"a": a, "b": b} {
				if got, err := k.Open(text, row1); err != nil || string(got) != want {
					t.Errorf("%s: %q, %v", who, got, err)
				}
			}
		}

		if err := operator.Drop(ctx, s, old); !errors.Is(err, ErrInUse) {
			t.Errorf("dropped a moment after the change: %v", err)
		}
		long := time.Now().Add(-time.Hour)
		must(t, os.Chtimes(path, long, long))
		if err := operator.Drop(ctx, s, old); !errors.Is(err, ErrInUse) {
			t.Errorf("dropped while 6 values need it: %v", err)
		}
		if n, err := operator.Reseal(ctx, s); n != 6 || err != nil { // five factors and the index's key
			t.Fatal(n, err)
		}
		if by, err := operator.Count(ctx, s); err != nil || by[fresh] != 6 || by[old] != 0 {
			t.Fatal(by, err)
		}
		if err := operator.Drop(ctx, s, fresh); !errors.Is(err, ErrInUse) {
			t.Errorf("dropped the primary key: %v", err)
		}
		must(t, operator.Drop(ctx, s, old))
		clock = clock.Add(time.Minute)
		for who, k := range map[string]*Keys{"a": a, "b": b} {
			list, err := s.Factors.Of(ctx, "u3")
			must(t, err)
			if got, err := k.Open(list[0].Sealed, Row{"factors", "sealed", "u3/f3"}); err != nil || string(got) != "secret of u3" {
				t.Errorf("%s after the old key went: %q, %v", who, got, err)
			}
		}
		again := start(t, s, path)
		if again.Index("a", "b", "c") != a.Index("a", "b", "c") {
			t.Error("the index changed with the key file")
		}
		if _, err := again.Open(before, row1); !errors.Is(err, ErrSealed) {
			t.Error("a dropped key still opens:", err)
		}
	})
}

// A file that is being replaced, or was taken away, does not stop a running process.
func TestARunningProcessOutlivesItsFile(t *testing.T) {
	s, path := storetest.SQLite(t), filepath.Join(t.TempDir(), "seal.json")
	k := start(t, s, path)
	sealed, err := k.Seal([]byte("x"), row1)
	must(t, err)
	must(t, os.WriteFile(path, []byte("{"), 0o600))
	k.current(true)
	if _, err := k.Open(sealed, row1); err != nil {
		t.Error(err)
	}
	must(t, os.Remove(path))
	k.current(true)
	if _, err := k.Open(sealed, row1); err != nil {
		t.Error(err)
	}
	if _, err := k.Add(); !errors.Is(err, ErrKeyFile) {
		t.Error("a rotation without a file:", err)
	}
}

func keyOfText(text string) (uint32, bool) {
	data, _, err := parse(text, row1)
	if err != nil {
		return 0, false
	}
	return keyOf(data)
}
