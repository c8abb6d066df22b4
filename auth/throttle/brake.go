package throttle

import (
	"context"
	"time"
)

// Brake slows down attempts at keys as a Throttle does, and may have to ask elsewhere for it.
type Brake interface {
	// Take counts an attempt before it is made; wait > 0 means not now, and then nothing is counted.
	Take(ctx context.Context, key string) (wait time.Duration)
	// Reset forgets a key, after success.
	Reset(ctx context.Context, key string)
	// Refund takes one attempt back, for keys that many people share.
	Refund(ctx context.Context, key string)
}

// Maker makes the brake of a purpose ("login", "address", "factor"). Brakes of one purpose count together, where they can.
type Maker func(purpose string, o Options) (Brake, error)

// Alone is the Maker of brakes that each process counts for itself.
func Alone(_ string, o Options) (Brake, error) {
	t, err := New(o)
	return alone{t}, err
}

type alone struct{ t *Throttle }

func (a alone) Take(_ context.Context, key string) time.Duration { return a.t.Take(key) }
func (a alone) Reset(_ context.Context, key string)              { a.t.Reset(key) }
func (a alone) Refund(_ context.Context, key string)             { a.t.Refund(key) }

// What follows is for a Brake that counts elsewhere and falls back on a Throttle while that is out of reach.

// Waits is how long a key waits by what is known here; it counts nothing.
func (t *Throttle) Waits(key string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	el, ok := t.keys[key]
	if !ok {
		return 0
	}
	return max(0, el.Value.(*entry).until.Sub(t.o.Now()))
}

// Know sets what is counted elsewhere of a key.
func (t *Throttle) Know(key string, count int, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.o.Now()
	e := t.entryLocked(key, now)
	e.count, e.last, e.until = count, now, now.Add(wait)
}

// Owed takes the attempts at a key that were counted here alone, to be counted elsewhere.
func (t *Throttle) Owed(key string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	el, ok := t.keys[key]
	if !ok {
		return 0
	}
	e := el.Value.(*entry)
	n := e.owed
	e.owed = 0
	return n
}

// Owe puts attempts back that could not be counted elsewhere.
func (t *Throttle) Owe(key string, n int) {
	if n == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entryLocked(key, t.o.Now()).owed += n
}
