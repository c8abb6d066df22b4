package store

import (
	"context"
	"time"
)

// Login is a web session. ID is its public handle, Hash the SHA-256 of its cookie.
type Login struct {
	ID, Hash, User, State string
	AMR                   []string // how the person proved themselves: pwd, otp, recovery …
	CreatedAt, SeenAt     time.Time
	MFAAt, ExpiresAt      time.Time // MFAAt zero: no second factor yet
	ResistantAt           time.Time // when a passkey was given; zero: never
	Address, Agent        string
	Provider              Origin
}

// Origin is the provider's side of a session that began there; zero for a session that began here. IDToken is sealed.
type Origin struct{ Name, Subject, SID, IDToken string }

// Logins is the table of web sessions.
type Logins struct{ q querier }

const loginCols = `id, hash, user_id, state, amr, created_at, seen_at, mfa_at, expires_at, address, agent, resistant_at, provider, provider_subject, provider_sid, id_token`

func scanLogin(s scanner) (l Login, err error) {
	err = s.Scan(&l.ID, &l.Hash, &l.User, &l.State, list{&l.AMR}, at{&l.CreatedAt}, at{&l.SeenAt}, at{&l.MFAAt}, at{&l.ExpiresAt}, &l.Address, &l.Agent, at{&l.ResistantAt},
		&l.Provider.Name, &l.Provider.Subject, &l.Provider.SID, &l.Provider.IDToken)
	return l, err
}

func (r Logins) Create(ctx context.Context, l Login) error {
	return exec(ctx, r.q, `INSERT INTO logins (`+loginCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16)`,
		l.ID, l.Hash, l.User, l.State, words(l.AMR), ms(l.CreatedAt), ms(l.SeenAt), ms(l.MFAAt), ms(l.ExpiresAt), l.Address, l.Agent, ms(l.ResistantAt),
		l.Provider.Name, l.Provider.Subject, l.Provider.SID, l.Provider.IDToken)
}

func (r Logins) ByHash(ctx context.Context, hash string) (Login, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+loginCols+` FROM logins WHERE hash=$1`, hash), scanLogin)
}

func (r Logins) Get(ctx context.Context, id string) (Login, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+loginCols+` FROM logins WHERE id=$1`, id), scanLogin)
}

func (r Logins) Of(ctx context.Context, user string) ([]Login, error) {
	return many(ctx, r.q, scanLogin, `SELECT `+loginCols+` FROM logins WHERE user_id=$1 ORDER BY created_at`, user)
}

// Elevate replaces handle and cookie and records the factor. Only one elevation of a cookie succeeds.
func (r Logins) Elevate(ctx context.Context, oldHash string, l Login) error {
	return execOne(ctx, r.q, `UPDATE logins SET id=$2, hash=$3, state=$4, amr=$5, mfa_at=$6, seen_at=$7, expires_at=$8, resistant_at=$9 WHERE hash=$1`,
		oldHash, l.ID, l.Hash, l.State, words(l.AMR), ms(l.MFAAt), ms(l.SeenAt), ms(l.ExpiresAt), ms(l.ResistantAt))
}

func (r Logins) Touch(ctx context.Context, id string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE logins SET seen_at=$2 WHERE id=$1`, id, ms(now))
}

func (r Logins) Delete(ctx context.Context, user, id string) error {
	return execOne(ctx, r.q, `DELETE FROM logins WHERE id=$1 AND user_id=$2`, id, user)
}

// DeleteOf ends all sessions of a user but the one with the handle keep (empty: all).
func (r Logins) DeleteOf(ctx context.Context, user, keep string) error {
	return exec(ctx, r.q, `DELETE FROM logins WHERE user_id=$1 AND id<>$2`, user, keep)
}

// Sweep drops sessions that are over or were last seen before idle.
func (r Logins) Sweep(ctx context.Context, now, idle time.Time) error {
	return exec(ctx, r.q, `DELETE FROM logins WHERE expires_at<=$1 OR seen_at<$2`, ms(now), ms(idle))
}

// AtProvider lists the sessions that began at a provider as one subject.
func (r Logins) AtProvider(ctx context.Context, name, subject string) ([]Login, error) {
	return many(ctx, r.q, scanLogin, `SELECT `+loginCols+` FROM logins WHERE provider=$1 AND provider_subject=$2 ORDER BY created_at`, name, subject)
}

// AtProviderSID lists the sessions that began in one session of a provider.
func (r Logins) AtProviderSID(ctx context.Context, name, sid string) ([]Login, error) {
	return many(ctx, r.q, scanLogin, `SELECT `+loginCols+` FROM logins WHERE provider=$1 AND provider_sid=$2 ORDER BY created_at`, name, sid)
}

// Open gives the sessions of some handles that are not over.
func (r Logins) Open(ctx context.Context, ids []string, now time.Time) ([]Login, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	marks, args := in([]any{ms(now)}, ids)
	return many(ctx, r.q, scanLogin, `SELECT `+loginCols+` FROM logins WHERE expires_at>$1 AND id IN (`+marks+`)`, args...)
}

// OpenOf counts the full sessions of some users that are not over and were seen since a time.
func (r Logins) OpenOf(ctx context.Context, users []string, now, seen time.Time) (map[string]int64, error) {
	out := map[string]int64{}
	if len(users) == 0 {
		return out, nil
	}
	marks, args := in([]any{ms(now), ms(seen)}, users)
	list, err := many(ctx, r.q, func(s scanner) (c counted, err error) {
		err = s.Scan(&c.user, &c.n)
		return c, err
	}, `SELECT user_id, COUNT(*) FROM logins WHERE state='full' AND expires_at>$1 AND seen_at>=$2 AND user_id IN (`+marks+`) GROUP BY user_id`, args...)
	for _, c := range list {
		out[c.user] = c.n
	}
	return out, err
}

type counted struct {
	user string
	n    int64
}
