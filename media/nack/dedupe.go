package nack

import "time"

// dedupePlaces is how many answers are remembered, a power of two.
const dedupePlaces = 256

// A retransmission is not repeated sooner than minRepeat, and may always be repeated after maxRepeat.
const (
	minRepeat = 10 * time.Millisecond
	maxRepeat = 500 * time.Millisecond

	copiesMost = 5
)

// Dedupe answers each packet at most once per round trip, whatever a receiver asks: some ask again and again for what is
// already on its way. The zero value is ready.
type Dedupe struct {
	places [dedupePlaces]struct {
		at  uint32 // ms + 1; 0: free
		seq uint16
		n   uint8 // answers
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
	if p.at == 0 || p.seq != s {
		p.n = 0
	}
	p.at, p.seq, p.n = ms, s, min(p.n+1, copiesMost)
	return true
}

// Copies is how many copies of the packet are worth sending where much is lost: two, and more when the answers before have
// not arrived, or the requests for others. Call it after Allow.
func (d *Dedupe) Copies(s uint16) int {
	if p := &d.places[s%dedupePlaces]; p.seq == s {
		return min(1+int(p.n), copiesMost)
	}
	return 1
}
