package store

import (
	"context"
	"time"
)

// Client is an API client (a portal). JWK is its public key as JSON.
type Client struct {
	ID, Name, JWK   string
	NextJWK         string // a second key, while the client changes its key; empty: none
	PerMinute       int    // requests of the client; 0: the default
	Trusted         bool   // its own pages draw the watermark of rooms that want one
	Origins, Scopes []string
	CreatedAt       time.Time
	DisabledAt      time.Time
}

// Clients is the table of API clients.
type Clients struct{ q querier }

const clientCols = `id, name, jwk, origins, scopes, created_at, disabled_at, next_jwk, per_minute, trusted`

func scanClient(s scanner) (c Client, err error) {
	err = s.Scan(&c.ID, &c.Name, &c.JWK, list{&c.Origins}, list{&c.Scopes}, at{&c.CreatedAt}, at{&c.DisabledAt}, &c.NextJWK, &c.PerMinute, yes{&c.Trusted})
	return c, err
}

func (r Clients) Create(ctx context.Context, c Client) error {
	return exec(ctx, r.q, `INSERT INTO api_clients (`+clientCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`,
		c.ID, c.Name, c.JWK, words(c.Origins), words(c.Scopes), ms(c.CreatedAt), ms(c.DisabledAt), c.NextJWK, c.PerMinute, flag(c.Trusted))
}

func (r Clients) Get(ctx context.Context, id string) (Client, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+clientCols+` FROM api_clients WHERE id=$1`, id), scanClient)
}

func (r Clients) List(ctx context.Context) ([]Client, error) {
	return many(ctx, r.q, scanClient, `SELECT `+clientCols+` FROM api_clients ORDER BY name, id`)
}

func (r Clients) Disable(ctx context.Context, id string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE api_clients SET disabled_at=$2 WHERE id=$1`, id, ms(now))
}

// Trust marks a client as one whose pages draw watermarks, or takes the mark away.
func (r Clients) Trust(ctx context.Context, id string, trusted bool) error {
	return execOne(ctx, r.q, `UPDATE api_clients SET trusted=$2 WHERE id=$1`, id, flag(trusted))
}

// SetKeys replaces both keys of a client that still has the old ones.
func (r Clients) SetKeys(ctx context.Context, id string, old, fresh [2]string) error {
	return execOne(ctx, r.q, `UPDATE api_clients SET jwk=$4, next_jwk=$5 WHERE id=$1 AND jwk=$2 AND next_jwk=$3`, id, old[0], old[1], fresh[0], fresh[1])
}

// Settings is the table of named values.
type Settings struct{ q querier }

func (r Settings) Get(ctx context.Context, name string) (value string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT value FROM settings WHERE name=$1`, name).Scan(&value)
	return value, translate(err)
}

func (r Settings) Set(ctx context.Context, name, value string) error {
	return exec(ctx, r.q, `INSERT INTO settings (name, value, version) VALUES ($1,$2,1)
		ON CONFLICT (name) DO UPDATE SET value=excluded.value, version=settings.version+1`, name, value)
}

// Create sets a value that must not exist yet.
func (r Settings) Create(ctx context.Context, name, value string) error {
	return exec(ctx, r.q, `INSERT INTO settings (name, value, version) VALUES ($1,$2,1)`, name, value)
}

// Take deletes a setting that has exactly this value; ErrNotFound otherwise.
func (r Settings) Take(ctx context.Context, name, value string) error {
	return execOne(ctx, r.q, `DELETE FROM settings WHERE name=$1 AND value=$2`, name, value)
}

// Lock makes the setting if needed and holds its row until the transaction ends; call it inside Tx.
func (r Settings) Lock(ctx context.Context, name string) (value string, err error) {
	err = r.q.QueryRowContext(ctx, `INSERT INTO settings (name, value, version) VALUES ($1,'',1)
		ON CONFLICT (name) DO UPDATE SET version=settings.version+1 RETURNING value`, name).Scan(&value)
	return value, translate(err)
}
