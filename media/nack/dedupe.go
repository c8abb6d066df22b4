package nack

import "time"

// dedupePlaces is how many answers are remembered, a power of two.
const dedupePlaces = 256

// A retransmission is not repeated sooner than minRepeat, and may always be repeated after maxRepeat.
const (
	minRepeat = 10 * time.Millisecond
	maxRepeat = 500 * time.Millisecond
)

// Dedupe answers each packet at most once per round trip, whatever a receiver asks: some ask again and again for what is
// already on its way. The zero value is ready.
type Dedupe struct {
	places [dedupePlaces]struct {
		at  uint32 // ms + 1; 0: free
		seq uint16
	}
}

// Allow says whether to answer a request for outgoing sequence number s now, and if so remembers that it was answered.
func (d *Dedupe) Allow(s uint16, rtt, now time.Duration) bool {
	p := &d.places[s%dedupePlaces]
	ms := uint32(now/time.Millisecond) + 1
	wait := uint32(min(max(rtt, minRepeat), maxRepeat) / time.Millisecond)
	if p.at != 0 && p.seq == s && ms-p.at < wait {
		return false
	}
	p.at, p.seq = ms, s
	return true
}
