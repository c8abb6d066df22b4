package api

import (
	"context"
	"sync"
	"time"

	"incamera/auth/apiclient"
)

// Shared counts the requests of API clients for all instances; quota.Quotas is one. An error means that nobody knows.
type Shared interface {
	Spend(ctx context.Context, client string, perMinute int) (wait time.Duration, err error)
}

// spendOf takes one of a client's requests. While the shared count is out of reach this instance counts for itself, so that
// a client has its rate at most once for each. (In a real outage of Redis the assertion was refused before, as nobody knows
// whether it was used.)
func (a *API) spendOf(ctx context.Context, c apiclient.Client) (wait time.Duration, ok bool) {
	if a.shared != nil {
		if wait, err := a.shared.Spend(ctx, c.ID, c.Rate()); err == nil {
			return wait, wait == 0
		}
	}
	return a.clientBudgets.take(c.ID, c.Rate(), a.now())
}

// budgets is how many requests each API client has left: as many as a minute gives, at most a minute's worth. Only who
// signed with a registered key comes here, so there are as many as registrations.
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
