package quota

import (
	"context"
	"fmt"
	"time"

	"incamera/auth/throttle"
)

// shards spreads the keys of a purpose over the nodes of a Redis Cluster.
const shards = 16

// Attempts makes the brake of a purpose; it is a throttle.Maker. Brakes of one purpose must have the same Options.
func (q *Quotas) Attempts(purpose string, o throttle.Options) (throttle.Brake, error) {
	local, err := throttle.New(o)
	if err != nil {
		return nil, err
	}
	if o.Size == 0 {
		o.Size = 65536
	}
	for _, outcome := range []string{"free", "waits", "away"} {
		q.asked.WithLabelValues(purpose, outcome) // there from the start, at zero
	}
	return &attempts{q: q, purpose: purpose, o: o, local: local}, nil
}

// attempts is a throttle.Brake. local knows what Redis last said of each key that was tried here, and goes on from there
// while Redis is away; what it counted by itself is owed, and told with the key's next attempt.
type attempts struct {
	q       *Quotas
	purpose string
	o       throttle.Options
	local   *throttle.Throttle
}

// Take is part of throttle.Brake. What waits by what is known here waits: nobody asks Redis a thousand times a second, and
// a Redis that lost everything frees nobody.
func (a *attempts) Take(ctx context.Context, key string) time.Duration {
	if wait := a.local.Waits(key); wait > 0 {
		a.q.count(a.purpose, verdict(wait))
		return wait
	}
	owed := a.local.Owed(key)
	wait, count, next, err := a.ask(ctx, "take", key, owed)
	if err != nil {
		a.q.count(a.purpose, "away")
		if wait = a.local.Take(key); wait == 0 {
			owed++
		}
		a.local.Owe(key, owed)
		return wait
	}
	a.local.Know(key, count, next)
	a.q.count(a.purpose, verdict(wait))
	return wait
}

// Reset is part of throttle.Brake. What Redis does not hear is forgotten in its time.
func (a *attempts) Reset(ctx context.Context, key string) {
	a.local.Reset(key)
	_, _, _, _ = a.ask(ctx, "reset", key, 0)
}

// Refund is part of throttle.Brake.
func (a *attempts) Refund(ctx context.Context, key string) {
	owed := a.local.Owed(key)
	a.local.Refund(key)
	if owed > 0 { // the attempt may be one of those: it is not counted elsewhere
		a.local.Owe(key, owed-1)
		return
	}
	_, _, _, _ = a.ask(ctx, "refund", key, 0)
}

func (a *attempts) ask(ctx context.Context, verb, key string, owed int) (wait time.Duration, count int, next time.Duration, err error) {
	field, n := hashed(key)
	tag := fmt.Sprintf("ic:quota:{%s.%d}", a.purpose, n%shards)
	v, err := a.q.run(ctx, attemptsScript, []string{tag + ":states", tag + ":order"},
		verb, field, owed, a.o.Free, a.o.Base.Milliseconds(), a.o.Max.Milliseconds(), a.o.Forget.Milliseconds(), max(1, a.o.Size/shards))
	if err != nil {
		return 0, 0, 0, err
	}
	list, _ := v.([]any)
	if len(list) != 3 {
		return 0, 0, 0, ErrAway
	}
	var said [3]int64
	for i := range said {
		said[i], _ = list[i].(int64)
	}
	return time.Duration(said[0]) * time.Millisecond, int(said[1]), time.Duration(said[2]) * time.Millisecond, nil
}
