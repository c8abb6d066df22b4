package hub

import (
	"context"
	"time"

	"incamera/cluster/meeting"
)

const (
	insistKept  = 4096
	insistFor   = 10 * time.Minute // longer than any seat or meeting would outlive the people in it
	insistEvery = time.Second
)

// wish is a change of the meeting that could not be made because Redis was away, and must be: somebody left.
type wish struct {
	do    func(ctx context.Context) error
	until time.Time
}

// Insist makes a change as soon as Redis is back. Only "unavailable" is tried again; every other refusal is final.
func (h *Hub) Insist(do func(ctx context.Context) error) {
	select {
	case h.wishes <- wish{do, time.Now().Add(insistFor)}:
	default:
		h.m.dropped.WithLabelValues("insist_full").Inc()
	}
}

// insistLoop tries in order; the first that fails ends the round, since the others would too.
func (h *Hub) insistLoop() {
	tick := time.NewTicker(insistEvery)
	defer tick.Stop()
	var waiting []wish
	for {
		select {
		case <-h.ctx.Done():
			return
		case w := <-h.wishes:
			waiting = append(waiting, w)
			if len(waiting) > insistKept {
				waiting = waiting[1:]
				h.m.dropped.WithLabelValues("insist_full").Inc()
			}
			continue
		case <-tick.C:
		}
		for len(waiting) > 0 {
			ctx, cancel := context.WithTimeout(h.ctx, h.o.CallTime)
			err := waiting[0].do(ctx)
			cancel()
			if meeting.CodeOf(err) == meeting.CodeUnavailable && time.Now().Before(waiting[0].until) {
				break
			}
			waiting[0] = wish{}
			waiting = waiting[1:]
		}
	}
}
