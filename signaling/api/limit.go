package api

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter is a token bucket per network address, IPv6 by /64, for at most `most` addresses: the least recently seen
// is forgotten first, so a flood from many addresses costs bounded memory.
type limiter struct {
	rate  rate.Limit
	burst int
	most  int

	mu    sync.Mutex
	seen  map[netip.Prefix]*list.Element // guarded by mu
	order *list.List                     // guarded by mu; of *bucket, newest first
}

type bucket struct {
	key netip.Prefix
	*rate.Limiter
}

func newLimiter(perSecond float64, burst, most int) *limiter {
	return &limiter{rate: rate.Limit(perSecond), burst: burst, most: most, seen: map[netip.Prefix]*list.Element{}, order: list.New()}
}

// take spends one token; when there is none it says how long to wait.
func (l *limiter) take(a netip.Addr, now time.Time) (wait time.Duration, ok bool) {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	key, _ := a.Prefix(bits)
	l.mu.Lock()
	defer l.mu.Unlock()
	e, known := l.seen[key]
	if known {
		l.order.MoveToFront(e)
	} else {
		if l.order.Len() >= l.most {
			oldest := l.order.Back()
			delete(l.seen, oldest.Value.(*bucket).key)
			l.order.Remove(oldest)
		}
		e = l.order.PushFront(&bucket{key, rate.NewLimiter(l.rate, l.burst)})
		l.seen[key] = e
	}
	b := e.Value.(*bucket)
	r := b.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}
