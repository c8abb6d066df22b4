package throttle

import (
	"container/list"
	"errors"
	"sync"
	"time"
)

// Options of a Throttle.
type Options struct {
	Free   int              // attempts before the first wait
	Base   time.Duration    // the first wait; it doubles with each attempt
	Max    time.Duration    // the longest wait
	Forget time.Duration    // a key without attempts for so long starts anew
	Size   int              // keys remembered; the one longest unused goes first; 65536 when 0
	Now    func() time.Time // time.Now when nil
}

// Validate says what is wrong.
func (o Options) Validate() error {
	if o.Free < 1 || o.Base <= 0 || o.Max < o.Base || o.Forget <= 0 || o.Size < 0 {
		return errors.New("throttle: Free, Base, Max and Forget must be positive, and Max at least Base")
	}
	return nil
}

// Throttle counts attempts by key. It is safe for concurrent use.
type Throttle struct {
	o Options

	// guarded by mu
	mu    sync.Mutex
	keys  map[string]*list.Element
	order *list.List // of *entry, latest first
}

type entry struct {
	key   string
	count int
	last  time.Time
	until time.Time
	owed  int // attempts that are counted nowhere else yet
}

// New makes a Throttle.
func New(o Options) (*Throttle, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Size == 0 {
		o.Size = 65536
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Throttle{o: o, keys: map[string]*list.Element{}, order: list.New()}, nil
}

// Take counts an attempt before it is made, so that many at once cannot all pass; wait > 0 means not now, and then
// nothing is counted.
func (t *Throttle) Take(key string) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.o.Now()
	e := t.entryLocked(key, now)
	if now.Before(e.until) {
		return e.until.Sub(now)
	}
	e.count++
	e.last = now
	if over := e.count - t.o.Free; over >= 0 {
		d := t.o.Max
		if over < 30 && t.o.Base<<over < t.o.Max {
			d = t.o.Base << over
		}
		e.until = now.Add(d)
	}
	return 0
}

// Reset forgets a key, after success.
func (t *Throttle) Reset(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if el, ok := t.keys[key]; ok {
		t.order.Remove(el)
		delete(t.keys, key)
	}
}

// Refund takes one attempt back, for keys that many people share.
func (t *Throttle) Refund(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if el, ok := t.keys[key]; ok {
		e := el.Value.(*entry)
		if e.count > 0 {
			e.count--
		}
		e.until = time.Time{}
	}
}

func (t *Throttle) entryLocked(key string, now time.Time) *entry {
	if el, ok := t.keys[key]; ok {
		t.order.MoveToFront(el)
		e := el.Value.(*entry)
		if now.Sub(e.last) > t.o.Forget && !now.Before(e.until) {
			*e = entry{key: key, last: now, owed: e.owed}
		}
		return e
	}
	if t.order.Len() >= t.o.Size {
		oldest := t.order.Back()
		delete(t.keys, oldest.Value.(*entry).key)
		t.order.Remove(oldest)
	}
	e := &entry{key: key, last: now}
	t.keys[key] = t.order.PushFront(e)
	return e
}
