package noderpc

import (
	"sync"
	"time"
)

// maxFenced bounds the memory of placements: some hours of people on a node.
const maxFenced = 100_000

// fence remembers the highest placement seen of each participant of each meeting. A lower one is a message from the
// past: the participant was moved since; and so is one whose transport was ended: who comes back does so under a higher one.
// A grant is refused by its expiry anyway, so a memory lives as long as the last grant seen.
type fence struct {
	mu   sync.Mutex
	high map[fenceKey]fenced
	last map[seatKey]string // meeting of the newest grant for a participant of a room, as commands name no meeting
}

type (
	fenceKey struct{ meeting, participant string }
	seatKey  struct{ room, participant string }
)

type fenced struct {
	room             string
	placement, ended uint64 // ended: up to here; 0: none
	until            time.Time
}

// pass says whether the placement is not older than the highest seen, and remembers it.
func (f *fence) pass(g Grant, now time.Time) bool {
	k := fenceKey{g.Meeting, g.Participant}
	f.mu.Lock()
	defer f.mu.Unlock()
	seen, known := f.high[k]
	if known && (g.Placement < seen.placement || g.Placement <= seen.ended) {
		return false
	}
	if f.high == nil {
		f.high, f.last = map[fenceKey]fenced{}, map[seatKey]string{}
	}
	if !known && len(f.high) >= maxFenced {
		f.makeRoomLocked(now)
	}
	until := g.ExpiresAt
	if seen.until.After(until) {
		until = seen.until
	}
	f.high[k] = fenced{room: g.Room, placement: g.Placement, ended: seen.ended, until: until}
	f.last[seatKey{g.Room, g.Participant}] = g.Meeting
	return true
}

// end notes that a transport was ended: its grant, and those before it, open no other.
func (f *fence) end(ref *TransportRef) {
	f.mu.Lock()
	defer f.mu.Unlock()
	meeting, known := f.last[seatKey{ref.GetRoom(), ref.GetParticipant()}]
	k := fenceKey{meeting, ref.GetParticipant()}
	if seen, there := f.high[k]; known && there && ref.GetPlacement() <= seen.placement {
		seen.ended = max(seen.ended, ref.GetPlacement())
		f.high[k] = seen
	}
}

func (f *fence) forgetLocked(k fenceKey) {
	seat := seatKey{f.high[k].room, k.participant}
	if f.last[seat] == k.meeting {
		delete(f.last, seat)
	}
	delete(f.high, k)
}

// makeRoomLocked forgets what has expired, or else the one that expires first.
func (f *fence) makeRoomLocked(now time.Time) {
	var first fenceKey
	var at time.Time
	for k, v := range f.high {
		if v.until.Before(now) {
			f.forgetLocked(k)
		} else if at.IsZero() || v.until.Before(at) {
			first, at = k, v.until
		}
	}
	if len(f.high) >= maxFenced {
		f.forgetLocked(first)
	}
}
