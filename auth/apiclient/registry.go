package apiclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	"incamera/auth/store"
	"incamera/auth/token"
)

// ErrNotFound means that no such client is registered.
var ErrNotFound = errors.New("apiclient: no such client")

// Scopes a client may have. None registered means all of them.
const (
	ScopeRooms  = "rooms"  // create rooms
	ScopeTokens = "tokens" // obtain room tokens for its own people in its own rooms
)

// Has says whether the client may do what the scope names.
func (c Client) Has(scope string) bool {
	for _, s := range c.Scopes {
		if s == scope {
			return !c.Disabled
		}
	}
	return len(c.Scopes) == 0 && !c.Disabled
}

// Registry keeps clients in the store; it is the Clients of a Verifier.
type Registry struct {
	Store *store.Store
	Now   func() time.Time // time.Now when nil
}

// Register checks and stores a client under a new id.
func (r Registry) Register(ctx context.Context, c Client) (Client, error) {
	if err := c.Validate(); err != nil {
		return Client{}, err
	}
	for _, s := range c.Scopes {
		if s != ScopeRooms && s != ScopeTokens {
			return Client{}, fmt.Errorf("apiclient: unknown scope %q", s)
		}
	}
	c.ID, c.Disabled = token.NewID("c"), false
	err := r.Store.Clients.Create(ctx, store.Client{ID: c.ID, Name: c.Name, JWK: c.Key, Origins: c.Origins, Scopes: c.Scopes, CreatedAt: r.now(), NextJWK: c.NextKey, PerMinute: c.PerMinute, Trusted: c.Trusted})
	if err != nil {
		return Client{}, err
	}
	return c, nil
}

// Client finds a client, disabled ones too.
func (r Registry) Client(ctx context.Context, id string) (Client, error) {
	row, err := r.Store.Clients.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return Client{}, ErrNotFound
	}
	if err != nil {
		return Client{}, err
	}
	return fromRow(row), nil
}

// List gives all clients.
func (r Registry) List(ctx context.Context) ([]Client, error) {
	rows, err := r.Store.Clients.List(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Client, len(rows))
	for i, row := range rows {
		out[i] = fromRow(row)
	}
	return out, nil
}

// ErrKeys means that a client has two keys already, or would be left without one.
var ErrKeys = errors.New("apiclient: a client has one key, or two while it changes them")

// AddKey registers a second key beside the first: both sign until one is dropped.
func (r Registry) AddKey(ctx context.Context, id, jwk string) error {
	if _, _, err := parseKey(jwk); err != nil {
		return err
	}
	return r.setKeys(ctx, id, func(first, second string) (string, string, error) {
		if second != "" || first == jwk {
			return "", "", ErrKeys
		}
		return first, jwk, nil
	})
}

// DropKey takes away the key of a thumbprint; the other one stays.
func (r Registry) DropKey(ctx context.Context, id, thumbprint string) error {
	return r.setKeys(ctx, id, func(first, second string) (string, string, error) {
		if second == "" {
			return "", "", ErrKeys
		}
		for _, keys := range [][2]string{{first, second}, {second, first}} {
			if name, err := Thumbprint(keys[0]); err == nil && name == thumbprint {
				return keys[1], "", nil
			}
		}
		return "", "", ErrNotFound
	})
}

func (r Registry) setKeys(ctx context.Context, id string, change func(first, second string) (string, string, error)) error {
	c, err := r.Client(ctx, id)
	if err != nil {
		return err
	}
	first, second, err := change(c.Key, c.NextKey)
	if err != nil {
		return err
	}
	err = r.Store.Clients.SetKeys(ctx, id, [2]string{c.Key, c.NextKey}, [2]string{first, second})
	if errors.Is(err, store.ErrNotFound) {
		return ErrKeys // changed by somebody else meanwhile
	}
	return err
}

// Trust marks a client, or takes the mark away.
func (r Registry) Trust(ctx context.Context, id string, trusted bool) error {
	err := r.Store.Clients.Trust(ctx, id, trusted)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}

// Disable shuts a client out.
func (r Registry) Disable(ctx context.Context, id string) error {
	err := r.Store.Clients.Disable(ctx, id, r.now())
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}

func (r Registry) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

func fromRow(row store.Client) Client {
	return Client{ID: row.ID, Name: row.Name, Key: row.JWK, Origins: row.Origins, Scopes: row.Scopes, Disabled: !row.DisabledAt.IsZero(), NextKey: row.NextJWK, PerMinute: row.PerMinute, Trusted: row.Trusted}
}
