package hub

import (
	"context"

	"incamera/cluster/meeting"
	"incamera/signaling/wire"
)

// apply takes changes in, in order, and tells everyone here.
func (r *Room) apply(ctx context.Context, events []meeting.Event) {
	var after []func()
	gap := false
	r.mu.Lock()
	entries := r.entries
	r.turn = len(events) > 1 // what they mean for one socket leaves in one write; a lone one waits for nothing
	for _, e := range events {
		if r.view == nil || e.Version <= r.view.version() {
			continue
		}
		if e.Version != r.view.version()+1 || e.Generation != r.view.snap.Generation {
			gap = true
			break
		}
		after = append(after, r.applyLocked(newChange(e))...)
	}
	again := r.unstashLocked()
	r.wakeLocked()
	r.mu.Unlock()
	run(after)
	r.hub.replay(again)
	if gap {
		r.reload(ctx, entries, false)
	}
}

// wakeLocked ends a turn: what was put for the sockets goes out.
func (r *Room) wakeLocked() {
	if !r.turn {
		return
	}
	r.turn = false
	for _, m := range r.members {
		if m.outlet != nil && m.open {
			m.outlet.Wake()
		}
	}
}

// applyLocked applies one change, tells it to everyone and does what follows from it.
func (r *Room) applyLocked(c Change) (after []func()) {
	hosted := r.view.hostPresent()
	byName := r.view.nameOf(c.src.By)
	before := r.view.apply(c)
	for _, m := range r.members {
		if c.Version > m.since {
			m.tellLocked(c, before)
			m.since = c.Version
		}
	}
	if f := r.consequenceLocked(c, before, byName); f != nil {
		after = append(after, f)
	}
	switch c.kind {
	case meeting.Moved:
		after = append(after, r.followLocked(c)...)
	case meeting.Renamed:
		for _, m := range r.members {
			m.resyncLocked() // the event itself tells nothing
		}
		r.tellWaitersLocked()
	case meeting.Ended:
		for _, m := range r.members {
			after = append(after, r.byeLocked(m, wire.ReasonEnded, byName))
		}
		for _, w := range r.waiters {
			w.door.Bye(wire.ReasonEnded, byName)
			after = append(after, r.dropWaiterLocked(w))
		}
	}
	if hosted != r.view.hostPresent() || c.src.Start != nil {
		r.tellWaitersLocked()
	}
	return after
}

// followLocked takes people along whose node is not the room's home any more: a room stays together.
func (r *Room) followLocked(c Change) (after []func()) {
	for _, m := range r.members {
		astray := m.seat.Node != "" && m.seat.Node != c.src.Node && m.outlet != nil
		if astray && m.Participant != c.src.Subject && c.Version >= m.since {
			after = append(after, func() { r.hub.o.Rebalance(m) })
		}
	}
	return after
}

// consequenceLocked is what a change means for the one person or waiter here whom it is about.
func (r *Room) consequenceLocked(c Change, before *wire.Participant, byName string) (after func()) {
	switch c.kind {
	case meeting.WaiterGone:
		return r.waiterGoneLocked(c, byName)
	case meeting.Joined, meeting.Changed:
		if m := r.members[c.src.Participant.ID]; m != nil && c.Version >= m.since {
			return r.seatChangedLocked(m, c, before)
		}
	case meeting.Left:
		m := r.members[c.src.Subject]
		if m == nil || c.Version < m.since || c.src.Session != "" && c.src.Session != m.Session {
			return nil
		}
		return r.byeLocked(m, wire.Reason(c.src.Reason), byName)
	}
	return nil
}

// seatChangedLocked notices that somebody sits elsewhere now, has another role, or may publish more.
func (r *Room) seatChangedLocked(m *Member, c Change, before *wire.Participant) (after func()) {
	elsewhere := c.src.Session != "" && c.src.Session != m.Session ||
		c.src.Instance != "" && c.src.Instance != r.hub.o.Instance
	if elsewhere {
		if m.outlet != nil {
			m.outlet.Bye(wire.ReasonReplaced, "")
		}
		return r.dropLocked(m) // the transport belongs to whoever holds the seat now
	}
	role := RoleToWire(c.src.Participant.Role)
	opened := moderates(role) && !moderates(m.role)
	m.role = role
	if opened {
		m.resyncLocked() // who waits at the door was hidden so far
	}
	if before != nil && len(c.src.Participant.Media) > len(before.Media) {
		return func() { r.hub.o.Rebalance(m) }
	}
	return nil
}
