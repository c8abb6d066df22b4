package noderpc

import (
	"sync"
	"time"
)

// maxFenced bounds the memory of placements: some hours of people on a node.
const maxFenced = 100_000

// fence remembers the highest placement seen of each participant of each meeting. A lower one is a message from the
// past: the participant was moved since. A grant is refused by its expiry anyway, so a memory lives as long as the
// last grant seen.
type fence struct {
	mu   sync.Mutex
	high map[fenceKey]fenced
}

type fenceKey struct{ meeting, participant string }

type fenced struct {
	placement uint64
	until     time.Time
}

// pass says whether the placement is not older than the highest seen, and remembers it.
func (f *fence) pass(g Grant, now time.Time) bool {
	k := fenceKey{g.Meeting, g.Participant}
	f.mu.Lock()
	defer f.mu.Unlock()
	seen, known := f.high[k]
	if known && g.Placement < seen.placement {
		return false
	}
	if f.high == nil {
		f.high = map[fenceKey]fenced{}
	}
	if !known && len(f.high) >= maxFenced {
		f.makeRoomLocked(now)
	}
	until := g.ExpiresAt
	if seen.until.After(until) {
		until = seen.until
	}
	f.high[k] = fenced{placement: g.Placement, until: until}
	return true
}

// makeRoomLocked forgets what has expired, or else the one that expires first.
func (f *fence) makeRoomLocked(now time.Time) {
	var first fenceKey
	var at time.Time
	for k, v := range f.high {
		if v.until.Before(now) {
			delete(f.high, k)
		} else if at.IsZero() || v.until.Before(at) {
			first, at = k, v.until
		}
	}
	if len(f.high) >= maxFenced {
		delete(f.high, first)
	}
}
