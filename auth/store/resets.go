package store

import (
	"context"
	"time"
)

// Resets is the table of links that set a password anew. One account has one at a time.
type Resets struct{ q querier }

// Create makes a link, in the place of another that the account had.
func (r Resets) Create(ctx context.Context, hash, user string, now, expires time.Time) error {
	if err := r.DeleteOf(ctx, user); err != nil {
		return err
	}
	if err := exec(ctx, r.q, `DELETE FROM reset_links WHERE expires_at<$1`, ms(now)); err != nil {
		return err
	}
	return exec(ctx, r.q, `INSERT INTO reset_links (hash, user_id, created_at, expires_at) VALUES ($1,$2,$3,$4)`, hash, user, ms(now), ms(expires))
}

// Since says when the account's living link was made; ErrNotFound when it has none.
func (r Resets) Since(ctx context.Context, user string, now time.Time) (t time.Time, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT created_at FROM reset_links WHERE user_id=$1 AND expires_at>$2`, user, ms(now)).Scan(at{&t})
	return t, translate(err)
}

// Peek gives the account of a link that is not over, without using it up.
func (r Resets) Peek(ctx context.Context, hash string, now time.Time) (user string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT user_id FROM reset_links WHERE hash=$1 AND expires_at>$2`, hash, ms(now)).Scan(&user)
	return user, translate(err)
}

// Take uses a link up.
func (r Resets) Take(ctx context.Context, hash string, now time.Time) error {
	return execOne(ctx, r.q, `DELETE FROM reset_links WHERE hash=$1 AND expires_at>$2`, hash, ms(now))
}

// DeleteOf drops an account's link.
func (r Resets) DeleteOf(ctx context.Context, user string) error {
	return exec(ctx, r.q, `DELETE FROM reset_links WHERE user_id=$1`, user)
}
