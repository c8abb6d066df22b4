package keybook

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"incamera/auth/pki"
	"incamera/auth/store"
	"incamera/auth/token"
)

// renewName is the setting with the time before which keys are to be replaced.
const renewName = "token_keys.renew"

// maxKeys bounds what is read at once: a process has two at a time, and one more for each restart.
const maxKeys = 1000

// ErrNotFound means that no key of this name is good.
var ErrNotFound = errors.New("keybook: no such key")

// Book is the book in the database.
type Book struct{ Store *store.Store }

// Publish adds a key.
func (b Book) Publish(ctx context.Context, k token.PublishedKey) error {
	return b.Store.TokenKeys.Add(ctx, store.TokenKey{
		Kid: k.Kid, Public: k.X, Signer: k.Signer, CreatedAt: k.CreatedAt, ActiveAt: k.ActiveAt, EndsAt: k.Until, ExpiresAt: k.ExpiresAt,
	})
}

// Orders are what the processes are to do.
func (b Book) Orders(ctx context.Context, now time.Time) (token.Orders, error) {
	kids, err := b.Store.TokenKeys.Revoked(ctx, now, maxKeys)
	if err != nil {
		return token.Orders{}, err
	}
	value, err := b.Store.Settings.Get(ctx, renewName)
	if errors.Is(err, store.ErrNotFound) {
		return token.Orders{Revoked: kids}, nil
	}
	if err != nil {
		return token.Orders{}, err
	}
	ms, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return token.Orders{}, fmt.Errorf("keybook: the setting %s cannot be read", renewName)
	}
	return token.Orders{Revoked: kids, Renew: time.UnixMilli(ms)}, nil
}

// Renew has every process replace its key: the next one is published, and signs a lead later.
func (b Book) Renew(ctx context.Context, now time.Time) error {
	return b.Store.Settings.Set(ctx, renewName, strconv.FormatInt(now.UnixMilli(), 10))
}

// Revoke has a key refused on all instances within seconds, and replaced at once; an empty kid means all keys.
func (b Book) Revoke(ctx context.Context, kid string, now time.Time) error {
	if kid == "" {
		return b.Store.TokenKeys.RevokeAll(ctx, now)
	}
	err := b.Store.TokenKeys.Revoke(ctx, kid, now)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}

// Sweep forgets keys of which nothing is good any more.
func (b Book) Sweep(ctx context.Context, now time.Time) error {
	return b.Store.TokenKeys.Sweep(ctx, now)
}

// List gives the keys whose tokens may still be good, newest first; revoked ones, too.
func (b Book) List(ctx context.Context, now time.Time) ([]token.PublishedKey, error) {
	rows, err := b.Store.TokenKeys.Living(ctx, now, maxKeys)
	out := make([]token.PublishedKey, len(rows))
	for i, r := range rows {
		out[i] = token.PublishedKey{
			PublicKey: pki.PublicKey{Kid: r.Kid, X: r.Public, Window: pki.Window{From: r.ActiveAt, Until: r.EndsAt}},
			Signer:    r.Signer, CreatedAt: r.CreatedAt, ActiveAt: r.ActiveAt, ExpiresAt: r.ExpiresAt, RevokedAt: r.RevokedAt,
		}
	}
	return out, err
}

// Set is a JWK set (RFC 7517).
type Set struct {
	Keys []JWK `json:"keys"`
}

// JWK is a public Ed25519 key (RFC 8037).
type JWK struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	Kid       string `json:"kid"`
	X         string `json:"x"`
}

// Document is the set of keys by which tokens are signed, or will be in a moment: public halves alone.
func (b Book) Document(ctx context.Context, now time.Time) (Set, error) {
	list, err := b.List(ctx, now)
	if err != nil {
		return Set{}, err
	}
	set := Set{Keys: []JWK{}}
	for _, k := range list {
		if k.RevokedAt.IsZero() {
			set.Keys = append(set.Keys, JWK{Type: "OKP", Curve: "Ed25519", Use: "sig", Algorithm: "EdDSA", Kid: k.Kid, X: k.X})
		}
	}
	return set, nil
}
