package hub

import (
	"incamera/signaling/wire"
)

// Doorway is the socket of somebody who waits.
type Doorway interface {
	Outlet
	// Admitted says that a host let the person in; word is the host's signed admission. It is called from the room's
	// follow loop and mints and sends the room token.
	Admitted(word string)
}

// Waiter is one person at the door of a room.
type Waiter struct {
	// static
	Room *Room
	ID   string
	door Doorway

	// guarded by Room.mu
	since uint64
	gone  bool
}

// Wait puts a socket at the door. version is that of the document which put the person there.
func (r *Room) Wait(id string, version uint64, door Doorway) *Waiter {
	w := &Waiter{Room: r, ID: id, door: door, since: version}
	r.hub.retain(r)
	r.mu.Lock()
	end := func() {}
	if before := r.waiters[id]; before != nil {
		before.door.Bye(wire.ReasonReplaced, "")
		end = r.dropWaiterLocked(before)
	}
	r.waiters[id] = w
	r.mu.Unlock()
	r.wake()
	end()
	return w
}

// Gone takes the waiter away; false when it already was.
func (w *Waiter) Gone() bool {
	w.Room.mu.Lock()
	was := !w.gone
	end := w.Room.dropWaiterLocked(w)
	w.Room.mu.Unlock()
	end()
	return was
}

func (r *Room) dropWaiterLocked(w *Waiter) (after func()) {
	if w.gone {
		return func() {}
	}
	w.gone = true
	if r.waiters[w.ID] == w {
		delete(r.waiters, w.ID)
	}
	return func() { r.hub.release(r) }
}

// waiterGoneLocked tells the waiter here how it ended.
func (r *Room) waiterGoneLocked(c Change, byName string) (after func()) {
	w := r.waiters[c.src.Subject]
	if w == nil || c.Version <= w.since {
		return func() {}
	}
	end := r.dropWaiterLocked(w)
	switch c.src.Reason {
	case "admitted":
		word := c.src.Word
		return func() { w.door.Admitted(word); end() }
	case "declined":
		w.door.Bye(wire.ReasonDeclined, byName)
	case "banned":
		w.door.Bye(wire.ReasonBanned, byName)
	case "left":
		w.door.Bye(wire.ReasonLeft, "")
	case "ended":
		w.door.Bye(wire.ReasonEnded, byName)
	default:
		w.door.Bye(wire.ReasonExpired, "")
	}
	return end
}

// tellWaitersLocked repeats `waiting` when what a waiting person may know has changed.
func (r *Room) tellWaitersLocked() {
	if len(r.waiters) == 0 || r.view == nil {
		return
	}
	for _, w := range r.waiters {
		w.door.Push(r.hub.encode(WaitingMessage(w.ID, r.view.snap.Title, r.view.hostPresent())), "waiting")
	}
}

// WaitingMessage is what a waiting person is told.
func WaitingMessage(id, title string, hostPresent bool) *wire.ServerMessage {
	return &wire.ServerMessage{Body: &wire.ServerMessage_Waiting{
		Waiting: &wire.Waiting{Waiter: id, RoomTitle: title, HostPresent: hostPresent},
	}}
}
