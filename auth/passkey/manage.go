package passkey

import (
	"context"
	"errors"

	"incamera/auth/mfa"
	"incamera/auth/store"
)

// List gives a person's passkeys, the oldest first.
func (k *Keys) List(ctx context.Context, userID string) ([]store.Passkey, error) {
	return k.o.Store.Passkeys.Of(ctx, userID)
}

// Rename gives one of a person's passkeys another name.
func (k *Keys) Rename(ctx context.Context, userID, id, name string) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	return missing(k.o.Store.Passkeys.Rename(ctx, userID, id, name))
}

// Remove takes a passkey away from a person who gave a factor just now. The last factor that works stays.
func (k *Keys) Remove(ctx context.Context, userID, id string, fresh bool) error {
	return k.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := mfa.Guard(ctx, s, userID, fresh); err != nil {
			return err
		}
		if err := missing(s.Passkeys.Delete(ctx, userID, id)); err != nil {
			return err
		}
		return mfa.KeepsOne(ctx, s, userID)
	})
}

func missing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}
