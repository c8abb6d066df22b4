package mfa

import (
	"context"

	"incamera/auth/store"
)

// Guard locks the person's row and refuses to touch the factors of one who has some and did not just give one. Call it
// inside Tx; package passkey does, too.
func Guard(ctx context.Context, s *store.Store, userID string, fresh bool) error {
	if err := s.Users.Lock(ctx, userID); err != nil {
		return err
	}
	all, _, err := count(ctx, s, userID)
	if err == nil && all > 0 && !fresh {
		return ErrFactorExists
	}
	return err
}

// KeepsOne refuses a change that leaves the person without a factor that works. Call it inside Tx, after the change.
func KeepsOne(ctx context.Context, s *store.Store, userID string) error {
	_, working, err := count(ctx, s, userID)
	if err == nil && working == 0 {
		return ErrLastFactor
	}
	return err
}

// count is how many factors a person has, authenticator apps and passkeys, and how many of them work: a passkey that is
// blocked still keeps others from adding one by the password alone.
func count(ctx context.Context, s *store.Store, userID string) (all, working int, err error) {
	list, err := s.Factors.Of(ctx, userID)
	if err != nil {
		return 0, 0, err
	}
	keys, err := s.Passkeys.Of(ctx, userID)
	all, working = len(list)+len(keys), len(list)
	for _, k := range keys {
		if k.BlockedAt.IsZero() {
			working++
		}
	}
	return all, working, err
}

// Reset removes all factors of a person who lost them; the person enrols anew at the next sign-in. The caller ends
// the person's sessions and puts it on record.
func (f *Factors) Reset(ctx context.Context, userID string) error {
	return f.o.Store.Tx(ctx, func(s *store.Store) error { return Reset(ctx, s, userID) })
}

// Reset does the same inside a transaction of the caller's.
func Reset(ctx context.Context, s *store.Store, userID string) error {
	if err := s.Users.Lock(ctx, userID); err != nil {
		return err
	}
	if err := s.Factors.DeleteAll(ctx, userID); err != nil {
		return err
	}
	if err := s.Passkeys.DeleteAll(ctx, userID); err != nil {
		return err
	}
	return s.Recovery.Replace(ctx, userID, nil)
}
