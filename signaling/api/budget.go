package api

import (
	"sync"
	"time"
)

// budgets is how many requests each API client has left: as many as a minute gives, at most a minute's worth. Only who
// signed with a registered key comes here, so there are as many as registrations. Each instance counts for itself.
type budgets struct {
	mu  sync.Mutex
	all map[string]budget // guarded by mu
}

type budget struct {
	left float64
	at   time.Time
}

// take takes one request, or says how long to wait.
func (b *budgets) take(id string, perMinute int, now time.Time) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[string]budget{}
	}
	most := float64(perMinute)
	was, known := b.all[id]
	left := most
	if known {
		left = min(most, was.left+max(0, now.Sub(was.at).Minutes())*most)
	}
	if left < 1 {
		b.all[id] = budget{left, now}
		return time.Duration((1 - left) / most * float64(time.Minute)), false
	}
	b.all[id] = budget{left - 1, now}
	return 0, true
}
