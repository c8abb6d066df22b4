package seal

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"incamera/auth/store"
)

// settled is how old a change of the key file must be before a key is dropped: by then every running process of this
// file seals with the new one.
const settled = 2 * lookEvery

// batch is how many sealed values are read at once.
const batch = 200

// ErrInUse means that values are still sealed with a key that was to be dropped, or may be in a moment.
var ErrInUse = errors.New("seal: the key is still in use")

// Add puts a new key into the file. It seals nothing yet: copies of the file go to the other machines first.
func (k *Keys) Add() (uint32, error) {
	var id uint32
	err := k.change(func(m *keyset.Manager) (err error) {
		id, err = m.Add(aead.AES256GCMKeyTemplate())
		return err
	})
	return id, err
}

// Promote makes a key of the file the one that new values are sealed with.
func (k *Keys) Promote(id uint32) error {
	return k.change(func(m *keyset.Manager) error { return m.SetPrimary(id) })
}

// Drop takes a key out of the file, if nothing is sealed with it any more.
func (k *Keys) Drop(ctx context.Context, s *store.Store, id uint32) error {
	r := k.current(true)
	if info, err := os.Stat(k.path); err != nil || k.now().Sub(info.ModTime()) < settled {
		return fmt.Errorf("%w: the key file was changed less than %v ago, and a running process may not have read it yet", ErrInUse, settled)
	}
	if id == r.primary() {
		return fmt.Errorf("%w: it is the primary key", ErrInUse)
	}
	n := 0
	err := walk(ctx, s, func(row store.SealedRow) error {
		if sealedBy(row) == id {
			n++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%w: %d values are sealed with it; reseal them first", ErrInUse, n)
	}
	return k.change(func(m *keyset.Manager) error { return m.Delete(id) })
}

// change writes the file anew. One operator does it at a time.
func (k *Keys) change(do func(*keyset.Manager) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, err := readFile(k.path)
	if err != nil {
		return err
	}
	m := keyset.NewManagerFromHandle(r.handle)
	if err := do(m); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	h, err := m.Handle()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if err := writeFile(k.path, h, func(from string) error { return os.Rename(from, k.path) }); err != nil {
		return err
	}
	if r, err = readFile(k.path); err != nil {
		return err
	}
	k.ring, k.looked = r, k.now()
	return nil
}

// Count is how many values each key of the file seals; 0 stands for values that name no key.
func (k *Keys) Count(ctx context.Context, s *store.Store) (map[uint32]int, error) {
	out := map[uint32]int{}
	return out, walk(ctx, s, func(r store.SealedRow) error { out[sealedBy(r)]++; return nil })
}

// Reseal brings every value that another key, or an earlier form, seals to the primary key, and says how many there
// were. A value that changes meanwhile is left to who changed it; one that does not open ends it.
func (k *Keys) Reseal(ctx context.Context, s *store.Store) (int, error) {
	primary, n := k.current(true).primary(), 0
	err := walk(ctx, s, func(r store.SealedRow) error {
		if sealedBy(r) == primary && r.Value[:len(version)] == version {
			return nil
		}
		secret, err := k.Open(r.Value, rowOf(r))
		if err != nil {
			return fmt.Errorf("%s.%s of %s: %w", r.Column.Table, r.Column.Name, r.ID, err)
		}
		fresh, err := k.Seal(secret, rowOf(r))
		if err != nil {
			return err
		}
		err = s.Sealed.Replace(ctx, r, fresh)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		n++
		return err
	})
	return n, err
}

func sealedBy(r store.SealedRow) uint32 {
	data, _, err := parse(r.Value, rowOf(r))
	if err != nil {
		return 0
	}
	id, _ := keyOf(data)
	return id
}

func walk(ctx context.Context, s *store.Store, each func(store.SealedRow) error) error {
	for _, c := range store.SealedColumns() {
		for after := ""; ; {
			rows, err := s.Sealed.After(ctx, c, after, batch)
			if err != nil {
				return fmt.Errorf("seal: %w", err)
			}
			for _, r := range rows {
				if err := each(r); err != nil {
					return err
				}
				after = r.ID
			}
			if len(rows) < batch {
				break
			}
		}
	}
	return nil
}
