package main

import (
	"context"
	"log/slog"
	"time"

	"incamera/auth/store"
)

// How meetings of rooms that were ended or deleted on the machine are found: `incamera admin` calls no instance.
const (
	roomEndsEvery = 2 * time.Second
	roomEndsKept  = 30 * time.Second // clocks of two machines differ by less
	roomEndsMost  = 500
)

// roomEnds ends meetings that the database says are over. An end is acted on once; what was asked before this instance
// began is no longer of interest.
type roomEnds struct {
	store *store.Store
	end   func(ctx context.Context, room string) error
	since time.Time
	done  map[store.RoomEnd]bool
}

func (e *roomEnds) look(ctx context.Context, now time.Time) error {
	since := now.Add(-roomEndsKept)
	if since.Before(e.since) {
		since = e.since
	}
	list, err := e.store.Rooms.Over(ctx, since, roomEndsMost)
	if err != nil {
		return err
	}
	seen := make(map[store.RoomEnd]bool, len(list))
	for _, one := range list {
		if !e.done[one] {
			if err := e.end(ctx, one.Room); err != nil {
				return err // the next look finds it again
			}
			e.done[one] = true
		}
		seen[one] = true
	}
	e.done = seen
	return nil
}

func (e *roomEnds) loop(ctx context.Context, log *slog.Logger) {
	t := time.NewTicker(roomEndsEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if err := e.look(ctx, now); err != nil && ctx.Err() == nil {
				log.Warn("meetings that are over by the database could not be ended", "error", err)
			}
		}
	}
}
