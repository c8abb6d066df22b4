package store

import (
	"context"
	"time"
)

// Factor is a second factor. Sealed is opaque here (package seal); LastStep is the last time step a TOTP code was
// accepted for.
type Factor struct {
	ID, User, Kind, Sealed string
	ConfirmedAt            time.Time // zero: pending
	LastStep               int64
	CreatedAt              time.Time
}

// Factors is the table of second factors.
type Factors struct{ q querier }

const factorCols = `id, user_id, kind, sealed, confirmed_at, last_step, created_at`

func scanFactor(s scanner) (f Factor, err error) {
	err = s.Scan(&f.ID, &f.User, &f.Kind, &f.Sealed, at{&f.ConfirmedAt}, &f.LastStep, at{&f.CreatedAt})
	return f, err
}

func (r Factors) Create(ctx context.Context, f Factor) error {
	return exec(ctx, r.q, `INSERT INTO factors (`+factorCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
		f.ID, f.User, f.Kind, f.Sealed, ms(f.ConfirmedAt), f.LastStep, ms(f.CreatedAt))
}

// Of lists a user's confirmed factors.
func (r Factors) Of(ctx context.Context, user string) ([]Factor, error) {
	return many(ctx, r.q, scanFactor, `SELECT `+factorCols+` FROM factors WHERE user_id=$1 AND confirmed_at>0 ORDER BY created_at`, user)
}

// Pending gives the user's latest unconfirmed factor of a kind.
func (r Factors) Pending(ctx context.Context, user, kind string) (Factor, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+factorCols+` FROM factors WHERE user_id=$1 AND kind=$2 AND confirmed_at=0
		ORDER BY created_at DESC LIMIT 1`, user, kind), scanFactor)
}

func (r Factors) DeletePending(ctx context.Context, user, kind string) error {
	return exec(ctx, r.q, `DELETE FROM factors WHERE user_id=$1 AND kind=$2 AND confirmed_at=0`, user, kind)
}

// Confirm makes a pending factor count; of two confirmers one gets ErrNotFound.
func (r Factors) Confirm(ctx context.Context, id string, step int64, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE factors SET confirmed_at=$2, last_step=$3 WHERE id=$1 AND confirmed_at=0`, id, ms(now), step)
}

// UseStep takes a time step of a confirmed factor: ErrNotFound when that step or a later one was taken before.
func (r Factors) UseStep(ctx context.Context, id string, step int64) error {
	return execOne(ctx, r.q, `UPDATE factors SET last_step=$2 WHERE id=$1 AND confirmed_at>0 AND last_step<$2`, id, step)
}

func (r Factors) Delete(ctx context.Context, user, id string) error {
	return execOne(ctx, r.q, `DELETE FROM factors WHERE id=$1 AND user_id=$2`, id, user)
}

// DeleteAll drops a user's factors, for an administrator's reset.
func (r Factors) DeleteAll(ctx context.Context, user string) error {
	return exec(ctx, r.q, `DELETE FROM factors WHERE user_id=$1`, user)
}

// Recovery is the table of hashed recovery codes.
type Recovery struct{ q querier }

// Replace drops the user's codes and stores new ones; call it inside Tx.
func (r Recovery) Replace(ctx context.Context, user string, hashes []string) error {
	if err := exec(ctx, r.q, `DELETE FROM recovery_codes WHERE user_id=$1`, user); err != nil {
		return err
	}
	for _, h := range hashes {
		if err := exec(ctx, r.q, `INSERT INTO recovery_codes (user_id, hash, used_at) VALUES ($1,$2,0)`, user, h); err != nil {
			return err
		}
	}
	return nil
}

// Use spends a code; ErrNotFound when it is unknown or spent.
func (r Recovery) Use(ctx context.Context, user, hash string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE recovery_codes SET used_at=$3 WHERE user_id=$1 AND hash=$2 AND used_at=0`, user, hash, ms(now))
}

// Left counts unspent codes.
func (r Recovery) Left(ctx context.Context, user string) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM recovery_codes WHERE user_id=$1 AND used_at=0`, user).Scan(&n)
	return n, translate(err)
}
