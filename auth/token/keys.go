package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"incamera/auth/pki"
)

// Times of signing keys.
const (
	// DefaultKeyLife is how long a key signs before the next one does.
	DefaultKeyLife = 7 * 24 * time.Hour
	// KeyLead is how long a key is published before it signs: longer than portals keep the document of keys.
	KeyLead = 15 * time.Minute
	// keyLookEvery is how often the book of keys is read.
	keyLookEvery = 15 * time.Second
	// clockSlack is how far back a key's window begins: a token's iat is a whole second, and clocks are set.
	clockSlack = 10 * time.Second
)

// PublishedKey is a line of the book of keys, which all signaling processes share.
type PublishedKey struct {
	pki.PublicKey
	Signer    string // id of the process
	CreatedAt time.Time
	ActiveAt  time.Time // from when it signs
	ExpiresAt time.Time // from when nothing that it signed is good any more
	RevokedAt time.Time // zero: good
}

// Orders is what the book tells a process.
type Orders struct {
	Revoked []string  // kids to refuse
	Renew   time.Time // keys made before this are to be replaced
}

// Book is where signing keys are published. Tokens are verified without it; it serves portals, and operators who want
// keys changed or refused before their time.
type Book interface {
	Publish(ctx context.Context, k PublishedKey) error
	Orders(ctx context.Context, now time.Time) (Orders, error)
}

// KeysOptions of Keys.
type KeysOptions struct {
	Identity *pki.Identity // required
	Book     Book          // required
	Life     time.Duration // DefaultKeyLife when 0
	Lead     time.Duration // KeyLead when 0
	Now      func() time.Time
}

// Validate says what is missing.
func (o KeysOptions) Validate() error {
	if o.Identity == nil || o.Book == nil {
		return errors.New("token: Identity and Book are required")
	}
	if o.Life < 0 || o.Lead < 0 || (o.Life > 0 && o.Life < time.Hour) {
		return errors.New("token: a key's Life is at least an hour")
	}
	return nil
}

// Keys are the signing keys of one process: made in its memory, vouched for by its identity, and replaced by
// themselves. It is safe for concurrent use.
type Keys struct {
	o KeysOptions // static

	mu      sync.Mutex      // guards what follows
	current held            // signs
	next    *held           // published, signs from its ActiveAt on
	refused map[string]bool // by kid
	renew   time.Time       // as last read
}

type held struct {
	key       *pki.Key
	line      PublishedKey
	published bool
}

// NewKeys makes the first key, which signs at once: nobody has seen another of this process yet.
func NewKeys(ctx context.Context, o KeysOptions) (*Keys, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Life == 0 {
		o.Life = DefaultKeyLife
	}
	if o.Lead == 0 {
		o.Lead = KeyLead
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	k := &Keys{o: o, refused: map[string]bool{}}
	now := o.Now()
	orders, err := o.Book.Orders(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("token: the book of keys: %w", err)
	}
	k.read(orders)
	first, err := k.make(now, now)
	if err != nil {
		return nil, err
	}
	if err := o.Book.Publish(ctx, first.line); err != nil {
		return nil, fmt.Errorf("token: the book of keys: %w", err)
	}
	first.published = true
	k.current = *first
	return k, nil
}

// make gives a key that signs from active on. Its window reaches a lead and a look beyond its turn, so that nobody is
// left without a key when its successor is late.
func (k *Keys) make(now, active time.Time) (*held, error) {
	until := active.Add(k.o.Life + k.o.Lead + 2*keyLookEvery)
	key, err := k.o.Identity.NewKey(pki.Window{From: active.Add(-clockSlack), Until: until})
	if err != nil {
		return nil, err
	}
	return &held{key: key, line: PublishedKey{
		PublicKey: key.Public(), Signer: k.o.Identity.ID(), CreatedAt: now, ActiveAt: active, ExpiresAt: until.Add(MaxGrantLife + Skew),
	}}, nil
}

// Current is the key that signs now.
func (k *Keys) Current() (*pki.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.o.Now()
	k.turnLocked(now)
	if w := k.current.line.Window; now.Before(w.From) || !now.Before(w.Until) {
		// the loop stood still, or the clock was set: a key that nobody has published is better than none
		fresh, err := k.make(now, now)
		if err != nil {
			return nil, err
		}
		k.current, k.next = *fresh, nil
	}
	return k.current.key, nil
}

func (k *Keys) turnLocked(now time.Time) {
	if k.next != nil && !now.Before(k.next.line.ActiveAt) {
		k.current, k.next = *k.next, nil
	}
}

// Revoked says whether a key is refused before its time, as far as this process has read.
func (k *Keys) Revoked(kid string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refused[kid]
}

func (k *Keys) read(o Orders) {
	refused := make(map[string]bool, len(o.Revoked))
	for _, kid := range o.Revoked {
		refused[kid] = true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refused, k.renew = refused, o.Renew
}

// Look reads the book and does what is due: publishes the next key a lead before it signs, lets it sign, replaces a
// revoked one at once.
func (k *Keys) Look(ctx context.Context) error {
	now := k.o.Now()
	orders, err := k.o.Book.Orders(ctx, now)
	if err == nil {
		k.read(orders)
	}
	unpublished, merr := k.prepare(now)
	for _, line := range unpublished {
		if perr := k.o.Book.Publish(ctx, line); perr != nil {
			err = errors.Join(err, perr)
			continue
		}
		k.wasPublished(line.Kid)
	}
	return errors.Join(err, merr)
}

// prepare makes the keys that are due and gives those to publish.
func (k *Keys) prepare(now time.Time) (lines []PublishedKey, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turnLocked(now)
	if k.next != nil && k.refused[k.next.line.Kid] {
		k.next = nil
	}
	switch cur := k.current.line; {
	case k.refused[cur.Kid]:
		fresh, err := k.make(now, now)
		if err != nil {
			return nil, err
		}
		k.current, k.next = *fresh, nil
	case k.next == nil && cur.CreatedAt.Before(k.renew):
		k.next, err = k.make(now, now.Add(k.o.Lead))
	case k.next == nil && !now.Before(cur.ActiveAt.Add(k.o.Life-k.o.Lead)):
		k.next, err = k.make(now, now.Add(k.o.Lead))
	}
	if !k.current.published {
		lines = append(lines, k.current.line)
	}
	if k.next != nil && !k.next.published {
		lines = append(lines, k.next.line)
	}
	return lines, err
}

func (k *Keys) wasPublished(kid string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current.line.Kid == kid {
		k.current.published = true
	} else if k.next != nil && k.next.line.Kid == kid {
		k.next.published = true
	}
}

// LookLoop looks until ctx ends.
func (k *Keys) LookLoop(ctx context.Context, log *slog.Logger) {
	t := time.NewTicker(keyLookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := k.Look(ctx); err != nil && ctx.Err() == nil {
				log.Warn("the book of signing keys could not be kept", "error", err)
			}
		}
	}
}
