package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"incamera/cluster/live"
)

// Announcement is a running publication. Its loop is the only one who publishes.
type Announcement struct {
	r    *Registry
	rec  func() Record
	id   string
	kick chan struct{} // capacity 1
	stop context.CancelFunc
	done sync.WaitGroup
}

// Announce publishes what rec says, once before it returns and then every Options.Every until Close. Redis being
// away is no error: the loop goes on and the log says so. rec must not block.
func (r *Registry) Announce(ctx context.Context, rec func() Record) (*Announcement, error) {
	first := rec()
	if err := r.mine(first); err != nil {
		return nil, err
	}
	loopCtx, stop := context.WithCancel(context.Background())
	a := &Announcement{r: r, rec: rec, id: first.ID, kick: make(chan struct{}, 1), stop: stop}
	err := r.publish(ctx, first)
	a.done.Go(func() { a.announceLoop(loopCtx, err) })
	return a, nil
}

// mine says whether this process may publish the record.
func (r *Registry) mine(rec Record) error {
	id := r.o.Identity
	if rec.Role != id.Role() || !owns(id.ID(), rec.ID) {
		return fmt.Errorf("registry: %s %q is not this process (%s %q)", rec.Role, rec.ID, id.Role(), id.ID())
	}
	if err := rec.check(); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	return nil
}

func (r *Registry) publish(ctx context.Context, rec Record) error {
	if err := r.mine(rec); err != nil {
		return err
	}
	jws, err := r.o.Identity.Sign(recordTyp, claims{Record: rec, SaidAt: r.o.Now().UnixMilli()})
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	ctx, cancel := context.WithTimeout(live.WithOp(ctx, "announce"), r.o.OpTimeout)
	defer cancel()
	return r.redis(ctx, publishScript, member(rec.Role, rec.ID), jws, r.o.Lease.Milliseconds()).Err()
}

func (a *Announcement) announceLoop(ctx context.Context, last error) {
	r := a.r
	tick := time.NewTicker(r.o.Every)
	defer tick.Stop()
	failing := false
	for {
		if last != nil && ctx.Err() == nil {
			r.metrics.missed.Inc()
		}
		switch {
		case last != nil && !failing && ctx.Err() == nil:
			r.o.Log.Warn("the registry does not take our record", "id", a.id, "error", last)
		case last == nil && failing:
			r.o.Log.Info("the registry takes our record again", "id", a.id)
		}
		failing = last != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-a.kick:
		}
		rec := a.rec()
		if rec.ID != a.id {
			last = errors.New("registry: a process keeps its id")
			continue
		}
		last = r.publish(context.WithoutCancel(ctx), rec) // half a renewal must not arrive after the withdrawal
	}
}

// Now publishes at once (the state changed).
func (a *Announcement) Now() {
	select {
	case a.kick <- struct{}{}:
	default:
	}
}

// Close withdraws the record and waits for the loop.
func (a *Announcement) Close(ctx context.Context) {
	a.stop()
	a.done.Wait()
	ctx, cancel := context.WithTimeout(live.WithOp(ctx, "announce"), a.r.o.OpTimeout)
	defer cancel()
	id := a.r.o.Identity
	if err := a.r.redis(ctx, withdrawScript, member(id.Role(), a.id)).Err(); err != nil {
		a.r.o.Log.Info("our record was not withdrawn and expires by itself", "id", a.id, "error", err)
	}
}
