package hub

import (
	"context"
	"sync"
	"time"

	"incamera/cluster/meeting"
	"incamera/signaling/wire"
)

// Room is one room with people, or waiters, on this instance.
type Room struct {
	// static
	hub    *Hub
	id     string
	kick   chan struct{} // capacity 1
	cancel context.CancelFunc

	refs int // guarded by Hub.mu

	mu      sync.Mutex
	entries uint64             // people and documents that came in; guarded by mu
	view    *view              // nil until known; guarded by mu
	members map[string]*Member // by participant; guarded by mu
	waiters map[string]*Waiter // by id; guarded by mu
	stash   []stashed          // node events about people not known yet; guarded by mu
	said    said               // guarded by mu
	turn    bool               // several changes are told, all sockets are woken after them; guarded by mu
}

// Seed makes the document known that an entry brought along, when nothing newer is.
func (r *Room) Seed(s meeting.Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries++
	if r.view == nil {
		r.view = newView(SnapshotToWire(s))
	} else if r.view.version() < s.Version {
		r.wake()
	}
}

// Add seats a member. It replaces an earlier session of the same person here, whose socket gets bye{replaced}.
// What happens from now on is kept until Open.
func (r *Room) Add(o MemberOptions) *Member {
	m := &Member{
		Room: r, Participant: o.Participant, Session: o.Session, roster: o.Roster, addresses: o.Addresses,
		role: o.Role, outlet: o.Outlet, since: o.Version, seat: o.Seat,
	}
	if o.Seat.Node != "" {
		r.hub.o.Nodes.Hold(o.Seat.Node)
	}
	r.hub.retain(r)
	r.mu.Lock()
	end := func() {}
	if before := r.members[o.Participant]; before != nil {
		if before.outlet != nil && before.outlet != o.Outlet {
			before.outlet.Bye(wire.ReasonReplaced, "")
		}
		end = r.dropLocked(before)
	}
	r.members[o.Participant] = m
	r.entries++
	if r.view != nil {
		if changes, ok := r.view.since(m.since); ok {
			for _, c := range changes {
				m.tellLocked(c, nil)
			}
		} else {
			m.lossy = true
		}
	}
	r.mu.Unlock()
	end()
	return m
}

// dropLocked forgets a member whose transport goes on elsewhere; the returned work is done without the lock.
func (r *Room) dropLocked(m *Member) (after func()) {
	if m.gone {
		return func() {}
	}
	m.gone, m.outlet, m.early = true, nil, nil
	if r.members[m.Participant] == m {
		delete(r.members, m.Participant)
	}
	seat, old := m.seat, m.old
	return func() {
		for _, s := range []Seat{seat, old} {
			if s.Node != "" {
				r.hub.o.Nodes.Release(s.Node)
			}
		}
		r.hub.release(r)
	}
}

// removeLocked forgets a member who left: the transport ends too.
func (r *Room) removeLocked(m *Member, reason string) (after func()) {
	if m.gone {
		return func() {}
	}
	seat, old := m.seat, m.old
	drop := r.dropLocked(m)
	return func() {
		for _, s := range []Seat{seat, old} {
			if s.Node != "" {
				r.hub.endTransport(r.id, m.Participant, s, reason)
			}
		}
		drop()
	}
}

// wake asks the follow loop to read.
func (r *Room) wake() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// followLoop reads the meeting's events until the room is released.
func (r *Room) followLoop(ctx context.Context) {
	pause := r.hub.o.Retry
	for ctx.Err() == nil {
		wakes, err := r.hub.o.Meetings.Watch(ctx, r.id)
		if err == nil {
			r.refresh(ctx)
			r.follow(ctx, wakes)
		} else {
			r.hub.m.followErrors.Inc()
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (r *Room) follow(ctx context.Context, wakes <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case _, more := <-wakes:
			if !more {
				return
			}
		case <-r.kick:
		}
		r.refresh(ctx)
	}
}

// refresh reads what is new and tells it.
func (r *Room) refresh(ctx context.Context) {
	r.mu.Lock()
	known, entries := r.view != nil, r.entries
	var version uint64
	if known {
		version = r.view.version()
	}
	r.mu.Unlock()
	if !known {
		r.reload(ctx, entries, true)
		return
	}
	events, err := r.hub.o.Meetings.EventsSince(ctx, r.id, version)
	switch {
	case err == nil:
		r.apply(ctx, events)
	case meeting.CodeOf(err) == meeting.CodeStale:
		r.reload(ctx, entries, false)
	case meeting.CodeOf(err) == meeting.CodeNotFound:
		r.over(entries)
	case ctx.Err() == nil:
		r.hub.m.followErrors.Inc()
		r.hub.o.Log.Warn("meeting events could not be read", "room", r.id, "error", err)
	}
}

// over says that there is no meeting any more: what remains of it here goes. Whoever came in while that was read
// began a new one.
func (r *Room) over(entries uint64) {
	var after []func()
	r.mu.Lock()
	if entries != r.entries {
		r.mu.Unlock()
		r.wake()
		return
	}
	for _, m := range r.members {
		after = append(after, r.byeLocked(m, wire.ReasonEnded, ""))
	}
	r.view = nil
	r.mu.Unlock()
	run(after)
}

// byeLocked ends a member's socket and transport.
func (r *Room) byeLocked(m *Member, reason wire.Reason, byName string) (after func()) {
	if m.outlet != nil {
		m.outlet.Bye(reason, byName)
	}
	return r.removeLocked(m, string(reason))
}

func run(work []func()) {
	for _, f := range work {
		f()
	}
}
