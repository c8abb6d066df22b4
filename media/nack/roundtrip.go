package nack

import "time"

// roundTripWindow is how long a measure counts, at least; at most twice as long.
const roundTripWindow = 4 * time.Second

// RoundTrip learns how long a publisher takes to answer a request, from nothing but answers. Which of several requests for
// a packet was answered cannot be told, but no answer is faster than the first request's: the smallest of the waits since
// that one is the measure. Reports do not tell it to a node that sends nothing. The zero value is ready.
type RoundTrip struct {
	this, last time.Duration // the smallest of this window and the one before, 0: none
	since      time.Duration
}

// Took takes the wait for a retransmission since its first request.
func (r *RoundTrip) Took(wait, now time.Duration) {
	r.turn(now)
	if r.this == 0 || wait < r.this {
		r.this = max(wait, 1)
	}
}

func (r *RoundTrip) turn(now time.Duration) {
	if now-r.since < roundTripWindow {
		return
	}
	if r.this != 0 {
		r.last = r.this
	}
	r.this, r.since = 0, now
}

// Value is the time that an answer takes; otherwise if none came yet.
func (r *RoundTrip) Value(otherwise time.Duration) time.Duration {
	switch {
	case r.this == 0 && r.last == 0:
		return otherwise
	case r.this == 0 || r.last != 0 && r.last < r.this:
		return r.last
	}
	return r.this
}
