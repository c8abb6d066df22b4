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
	err := r.Store.Clients.Create(ctx, store.Client{ID: c.ID, Name: c.Name, JWK: c.Key, Origins: c.Origins, Scopes: c.Scopes, CreatedAt: r.now()})
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
	return Client{ID: row.ID, Name: row.Name, Key: row.JWK, Origins: row.Origins, Scopes: row.Scopes, Disabled: !row.DisabledAt.IsZero()}
}
