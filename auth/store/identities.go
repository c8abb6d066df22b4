package store

import (
	"context"
	"time"
)

// Identity says that the person whom an issuer calls subject is a user here. Nothing else links: names and mail
// addresses change hands. Provider is the name the configuration gives the issuer.
type Identity struct {
	ID, User, Provider, Issuer, Subject string
	CreatedAt, UsedAt                   time.Time
}

// Identities is the table of links to other directories.
type Identities struct{ q querier }

const identityCols = `id, user_id, provider, issuer, subject, created_at, used_at`

func scanIdentity(s scanner) (i Identity, err error) {
	err = s.Scan(&i.ID, &i.User, &i.Provider, &i.Issuer, &i.Subject, at{&i.CreatedAt}, at{&i.UsedAt})
	return i, err
}

// Create adds a link; ErrConflict when the issuer's subject is somebody's already.
func (r Identities) Create(ctx context.Context, i Identity) error {
	return exec(ctx, r.q, `INSERT INTO identities (`+identityCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
		i.ID, i.User, i.Provider, i.Issuer, i.Subject, ms(i.CreatedAt), ms(i.UsedAt))
}

// Find gives the link of an issuer's subject.
func (r Identities) Find(ctx context.Context, issuer, subject string) (Identity, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+identityCols+` FROM identities WHERE issuer=$1 AND subject=$2`, issuer, subject), scanIdentity)
}

// Of lists a user's links, the oldest first.
func (r Identities) Of(ctx context.Context, user string) ([]Identity, error) {
	return many(ctx, r.q, scanIdentity, `SELECT `+identityCols+` FROM identities WHERE user_id=$1 ORDER BY created_at, id`, user)
}

// Use notes that somebody came in by a link.
func (r Identities) Use(ctx context.Context, id string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE identities SET used_at=$2 WHERE id=$1`, id, ms(now))
}

func (r Identities) Delete(ctx context.Context, user, id string) error {
	return execOne(ctx, r.q, `DELETE FROM identities WHERE id=$1 AND user_id=$2`, id, user)
}

// SignInState is one trip of a browser to a provider. State and Bound are hashes: of the random value in the address,
// and of the browser's cookie. Trip is 1, or 2 when the provider was asked again for a second factor. Login is the
// session that the browser had when it left; Confirms says that the trip is that session's second factor, Links that its person is to be linked to
// the account. User is whose session it is, or who the first trip showed.
type SignInState struct {
	State, Provider, Bound, Nonce, Verifier string
	Trip                                    int
	Login, User, Back, Address              string
	Confirms, Links                         bool
	CreatedAt, ExpiresAt                    time.Time
}

// SignInStates is the table of trips that are not over.
type SignInStates struct{ q querier }

const stateCols = `state, provider, bound, nonce, verifier, trip, login_id, confirms, links, user_id, back, address, created_at, expires_at`

func scanState(s scanner) (x SignInState, err error) {
	err = s.Scan(&x.State, &x.Provider, &x.Bound, &x.Nonce, &x.Verifier, &x.Trip, &x.Login, yes{&x.Confirms}, yes{&x.Links}, &x.User, &x.Back, &x.Address, at{&x.CreatedAt}, at{&x.ExpiresAt})
	return x, err
}

func (r SignInStates) Create(ctx context.Context, x SignInState) error {
	return exec(ctx, r.q, `INSERT INTO sign_in_states (`+stateCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)`,
		x.State, x.Provider, x.Bound, x.Nonce, x.Verifier, x.Trip, x.Login, flag(x.Confirms), flag(x.Links), x.User, x.Back, x.Address, ms(x.CreatedAt), ms(x.ExpiresAt))
}

// Take uses a state up and gives it; of two takers, and for any other provider or browser, ErrNotFound.
func (r SignInStates) Take(ctx context.Context, state, provider, bound string, now time.Time) (SignInState, error) {
	return one(r.q.QueryRowContext(ctx, `DELETE FROM sign_in_states WHERE state=$1 AND provider=$2 AND bound=$3 AND expires_at>$4 RETURNING `+stateCols,
		state, provider, bound, ms(now)), scanState)
}

// Count gives how many are open in all and from an address.
func (r SignInStates) Count(ctx context.Context, address string) (all, here int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE WHEN address=$1 THEN 1 END) FROM sign_in_states`, address).Scan(&all, &here)
	return all, here, translate(err)
}

// Sweep drops what is over.
func (r SignInStates) Sweep(ctx context.Context, now time.Time) error {
	return exec(ctx, r.q, `DELETE FROM sign_in_states WHERE expires_at<=$1`, ms(now))
}

// LogoutTokens is the table of logout tokens that were used: each counts once.
type LogoutTokens struct{ q querier }

// Use marks a token as used until expires; ErrConflict when it was.
func (r LogoutTokens) Use(ctx context.Context, id string, expires time.Time) error {
	return exec(ctx, r.q, `INSERT INTO logout_tokens (id, expires_at) VALUES ($1,$2)`, id, ms(expires))
}

// Sweep drops what cannot come again.
func (r LogoutTokens) Sweep(ctx context.Context, now time.Time) error {
	return exec(ctx, r.q, `DELETE FROM logout_tokens WHERE expires_at<=$1`, ms(now))
}

// Forget lets a token come again whose work could not be done.
func (r LogoutTokens) Forget(ctx context.Context, id string) error {
	return exec(ctx, r.q, `DELETE FROM logout_tokens WHERE id=$1`, id)
}
