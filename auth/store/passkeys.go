package store

import (
	"context"
	"time"
)

// Passkey is a WebAuthn credential. Credential and PublicKey are base64url; there is no secret in it.
type Passkey struct {
	ID, User, Credential, PublicKey, Name string
	AAGUID                                string
	Transports                            []string
	Synced                                bool // its maker copies it to the person's other devices (backup eligible)
	SignCount                             int64
	CreatedAt, UsedAt                     time.Time
	BlockedAt                             time.Time // when its counter went back; zero: never
}

// Passkeys is the table of passkeys.
type Passkeys struct{ q querier }

const passkeyCols = `id, user_id, credential, public_key, name, aaguid, transports, synced, sign_count, created_at, used_at, blocked_at`

func scanPasskey(s scanner) (p Passkey, err error) {
	err = s.Scan(&p.ID, &p.User, &p.Credential, &p.PublicKey, &p.Name, &p.AAGUID, list{&p.Transports}, yes{&p.Synced}, &p.SignCount,
		at{&p.CreatedAt}, at{&p.UsedAt}, at{&p.BlockedAt})
	return p, err
}

// Create adds a passkey; ErrConflict when the credential is known already, whoever's it is.
func (r Passkeys) Create(ctx context.Context, p Passkey) error {
	return exec(ctx, r.q, `INSERT INTO passkeys (`+passkeyCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`,
		p.ID, p.User, p.Credential, p.PublicKey, p.Name, p.AAGUID, words(p.Transports), flag(p.Synced), p.SignCount,
		ms(p.CreatedAt), ms(p.UsedAt), ms(p.BlockedAt))
}

// Of lists a user's passkeys, the oldest first.
func (r Passkeys) Of(ctx context.Context, user string) ([]Passkey, error) {
	return many(ctx, r.q, scanPasskey, `SELECT `+passkeyCols+` FROM passkeys WHERE user_id=$1 ORDER BY created_at, id`, user)
}

// ByCredential finds a passkey by its credential id.
func (r Passkeys) ByCredential(ctx context.Context, credential string) (Passkey, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+passkeyCols+` FROM passkeys WHERE credential=$1`, credential), scanPasskey)
}

// Use notes a use with its counter: ErrNotFound when the counter did not rise (one that stays 0 never counts), or when
// the passkey is blocked or gone.
func (r Passkeys) Use(ctx context.Context, id string, count int64, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE passkeys SET sign_count=$2, used_at=$3 WHERE id=$1 AND blocked_at=0
		AND (sign_count<$2 OR (sign_count=0 AND $2=0))`, id, count, ms(now))
}

// Block shuts a passkey whose counter went back; the first time counts.
func (r Passkeys) Block(ctx context.Context, id string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE passkeys SET blocked_at=$2 WHERE id=$1 AND blocked_at=0`, id, ms(now))
}

func (r Passkeys) Rename(ctx context.Context, user, id, name string) error {
	return execOne(ctx, r.q, `UPDATE passkeys SET name=$3 WHERE id=$1 AND user_id=$2`, id, user, name)
}

func (r Passkeys) Delete(ctx context.Context, user, id string) error {
	return execOne(ctx, r.q, `DELETE FROM passkeys WHERE id=$1 AND user_id=$2`, id, user)
}

// DeleteAll drops a user's passkeys, for a reset.
func (r Passkeys) DeleteAll(ctx context.Context, user string) error {
	return exec(ctx, r.q, `DELETE FROM passkeys WHERE user_id=$1`, user)
}

// Ceremony is one question put to an authenticator: a challenge that counts once, for the browser or session it was
// made for.
type Ceremony struct {
	Challenge, Kind, Bound, Address string
	CreatedAt, ExpiresAt            time.Time
}

// Ceremonies is the table of open questions.
type Ceremonies struct{ q querier }

func (r Ceremonies) Create(ctx context.Context, c Ceremony) error {
	return exec(ctx, r.q, `INSERT INTO ceremonies (challenge, kind, bound, address, created_at, expires_at) VALUES ($1,$2,$3,$4,$5,$6)`,
		c.Challenge, c.Kind, c.Bound, c.Address, ms(c.CreatedAt), ms(c.ExpiresAt))
}

// Take uses a challenge up; of two takers, and for whoever it was not made for, ErrNotFound.
func (r Ceremonies) Take(ctx context.Context, challenge, kind, bound string, now time.Time) error {
	return execOne(ctx, r.q, `DELETE FROM ceremonies WHERE challenge=$1 AND kind=$2 AND bound=$3 AND expires_at>$4`, challenge, kind, bound, ms(now))
}

// Count gives how many are open in all and from an address.
func (r Ceremonies) Count(ctx context.Context, address string) (all, here int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE WHEN address=$1 THEN 1 END) FROM ceremonies`, address).Scan(&all, &here)
	return all, here, translate(err)
}

// Keep drops all but the newest n of one browser or session.
func (r Ceremonies) Keep(ctx context.Context, bound string, n int) error {
	return exec(ctx, r.q, `DELETE FROM ceremonies WHERE bound=$1 AND challenge NOT IN
		(SELECT challenge FROM ceremonies WHERE bound=$1 ORDER BY created_at DESC, challenge LIMIT $2)`, bound, n)
}

// Sweep drops what is over.
func (r Ceremonies) Sweep(ctx context.Context, now time.Time) error {
	return exec(ctx, r.q, `DELETE FROM ceremonies WHERE expires_at<=$1`, ms(now))
}
