package store

import (
	"context"
	"time"
)

// TokenKey is the public half of a key with which a signaling process signs tokens.
type TokenKey struct {
	Kid, Public, Signer string
	CreatedAt, ActiveAt time.Time // made, signs from
	EndsAt, ExpiresAt   time.Time // signs until, nothing it signed is good after
	RevokedAt           time.Time // zero: good
}

// TokenKeys is the table of signing keys.
type TokenKeys struct{ q querier }

const tokenKeyCols = `kid, public, signer, created_at, active_at, ends_at, expires_at, revoked_at`

func scanTokenKey(s scanner) (k TokenKey, err error) {
	err = s.Scan(&k.Kid, &k.Public, &k.Signer, at{&k.CreatedAt}, at{&k.ActiveAt}, at{&k.EndsAt}, at{&k.ExpiresAt}, at{&k.RevokedAt})
	return k, err
}

// Add keeps a key; one that is there already stays as it is.
func (r TokenKeys) Add(ctx context.Context, k TokenKey) error {
	return exec(ctx, r.q, `INSERT INTO token_keys (`+tokenKeyCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT (kid) DO NOTHING`,
		k.Kid, k.Public, k.Signer, ms(k.CreatedAt), ms(k.ActiveAt), ms(k.EndsAt), ms(k.ExpiresAt), ms(k.RevokedAt))
}

// Living gives up to limit keys whose tokens may still be good, newest first.
func (r TokenKeys) Living(ctx context.Context, now time.Time, limit int) ([]TokenKey, error) {
	return many(ctx, r.q, scanTokenKey, `SELECT `+tokenKeyCols+` FROM token_keys WHERE expires_at>$1 ORDER BY created_at DESC, kid LIMIT $2`, ms(now), limit)
}

// Revoked gives up to limit kids to refuse.
func (r TokenKeys) Revoked(ctx context.Context, now time.Time, limit int) ([]string, error) {
	scan := func(s scanner) (kid string, err error) { return kid, s.Scan(&kid) }
	return many(ctx, r.q, scan, `SELECT kid FROM token_keys WHERE expires_at>$1 AND revoked_at>0 ORDER BY revoked_at DESC LIMIT $2`, ms(now), limit)
}

// Revoke has a key refused; ErrNotFound when there is none that is good.
func (r TokenKeys) Revoke(ctx context.Context, kid string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE token_keys SET revoked_at=$2 WHERE kid=$1 AND revoked_at=0 AND expires_at>$2`, kid, ms(now))
}

// RevokeAll has all keys refused that are there now.
func (r TokenKeys) RevokeAll(ctx context.Context, now time.Time) error {
	return exec(ctx, r.q, `UPDATE token_keys SET revoked_at=$1 WHERE revoked_at=0`, ms(now))
}

// Sweep drops keys of which nothing is good any more.
func (r TokenKeys) Sweep(ctx context.Context, now time.Time) error {
	return exec(ctx, r.q, `DELETE FROM token_keys WHERE expires_at<=$1`, ms(now))
}
