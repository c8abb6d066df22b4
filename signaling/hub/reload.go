package hub

import (
	"context"
	"errors"

	"incamera/cluster/meeting"
	"incamera/signaling/wire"
)

// reload takes the whole document, for everyone here: at first, and when events are missing. entries is how many had
// come in before the reading began; first says that no document was known then.
func (r *Room) reload(ctx context.Context, entries uint64, first bool) {
	s, err := r.hub.o.Meetings.Snapshot(ctx, r.id)
	if err != nil {
		if meeting.CodeOf(err) == meeting.CodeNotFound {
			r.over(entries)
		} else if !errors.Is(err, context.Canceled) {
			r.hub.m.followErrors.Inc()
		}
		return
	}
	missed := r.missed(ctx, s)

	var after []func()
	r.mu.Lock()
	if first && r.view != nil {
		// An entry brought a document along meanwhile: its people need events, not another one.
		r.mu.Unlock()
		r.wake()
		return
	}
	r.hub.m.reloads.Inc()
	names := r.view
	r.view = newView(SnapshotToWire(s))
	if names == nil {
		names = r.view
	}
	for _, m := range r.members {
		p := r.view.people[m.Participant]
		switch {
		case m.since > s.Version: // came in after the document was read
		case p == nil:
			reason, by := missed.left(m)
			after = append(after, r.byeLocked(m, reason, names.nameOf(by)))
		default:
			m.role = p.Role
			m.resyncLocked()
		}
	}
	for _, w := range r.waiters {
		if w.since > s.Version || lists(s.Waiting, w.ID) {
			continue
		}
		c := missed.gone(w)
		after = append(after, r.waiterGoneLocked(c, names.nameOf(c.src.By)))
	}
	r.tellWaitersLocked()
	again := r.unstashLocked()
	r.mu.Unlock()
	run(after)
	r.hub.replay(again)
}

// past are the events between what people here know and a document that was read anew.
type past []meeting.Event

// missed reads what happened to those here whom the document does not name any more.
func (r *Room) missed(ctx context.Context, s meeting.Snapshot) past {
	since := s.Version
	r.mu.Lock()
	for _, m := range r.members {
		if _, there := seated(s, m.Participant); !there {
			since = min(since, m.since)
		}
	}
	for _, w := range r.waiters {
		if !lists(s.Waiting, w.ID) {
			since = min(since, w.since)
		}
	}
	r.mu.Unlock()
	if since >= s.Version {
		return nil
	}
	events, err := r.hub.o.Meetings.EventsSince(ctx, r.id, since)
	if err != nil {
		return nil // the tail does not reach back: how it ended is not known any more
	}
	return events
}

func seated(s meeting.Snapshot, participant string) (meeting.Participant, bool) {
	for _, p := range s.Participants {
		if p.ID == participant {
			return p, true
		}
	}
	return meeting.Participant{}, false
}

func lists(waiting []meeting.Waiter, id string) bool {
	for _, w := range waiting {
		if w.ID == id {
			return true
		}
	}
	return false
}

// left is why a member is not in the document.
func (p past) left(m *Member) (reason wire.Reason, by string) {
	for _, e := range p {
		if e.Kind == meeting.Left && e.Subject == m.Participant && e.Version > m.since {
			return wire.Reason(e.Reason), e.By
		}
		if e.Kind == meeting.Ended && e.Version > m.since {
			return wire.ReasonEnded, e.By
		}
	}
	return wire.ReasonExpired, ""
}

// gone is how the wait of somebody ended who is not in the document.
func (p past) gone(w *Waiter) Change {
	for _, e := range p {
		if e.Kind == meeting.WaiterGone && e.Subject == w.ID && e.Version > w.since {
			return newChange(e)
		}
		if e.Kind == meeting.Ended && e.Version > w.since {
			return newChange(meeting.Event{Kind: meeting.WaiterGone, Subject: w.ID, Version: e.Version, By: e.By, Reason: "ended"})
		}
	}
	// Not known any more: the person may ask again with the same pass.
	return newChange(meeting.Event{Kind: meeting.WaiterGone, Subject: w.ID, Version: w.since + 1, Reason: "expired"})
}
