package mfa

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"strings"

	"incamera/auth/store"
)

const recoveryCount = 10

// FirstRecovery gives recovery codes to a person who has none and enrolled a passkey just now; nil when there are some.
func (f *Factors) FirstRecovery(ctx context.Context, userID string) (codes []string, err error) {
	err = f.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Users.Lock(ctx, userID); err != nil {
			return err
		}
		left, err := s.Recovery.Left(ctx, userID)
		if err != nil || left > 0 {
			return err
		}
		var hashes []string
		codes, hashes = newRecovery(userID)
		return s.Recovery.Replace(ctx, userID, hashes)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// NewRecovery replaces the recovery codes; the person must have given a factor just now.
func (f *Factors) NewRecovery(ctx context.Context, userID string) ([]string, error) {
	codes, hashes := newRecovery(userID)
	err := f.o.Store.Tx(ctx, func(s *store.Store) error { return s.Recovery.Replace(ctx, userID, hashes) })
	if err != nil {
		return nil, err
	}
	return codes, nil
}

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newRecovery makes codes of 80 random bits, so that their plain hashes cannot be searched.
func newRecovery(userID string) (codes, hashes []string) {
	for range recoveryCount {
		b := make([]byte, 10)
		rand.Read(b)
		s := base32Lower.EncodeToString(b)
		code := s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
		codes, hashes = append(codes, code), append(hashes, recoveryHash(userID, code))
	}
	return codes, hashes
}

// recoveryHash forgives case, spaces and dashes.
func recoveryHash(userID, code string) string {
	plain := strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(code))
	sum := sha256.Sum256([]byte("recovery\x00" + userID + "\x00" + plain))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
