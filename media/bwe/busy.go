package bwe

import (
	"time"

	"incamera/media/twcc"
)

const (
	busyQueue = 10 * time.Millisecond  // of delay, and the link is taken for busy
	busyLeast = 40 * time.Millisecond  // of arrivals tell a rate
	busyFew   = 4                      // packets do not
	busyPart  = 200 * time.Millisecond // the rate is that of the last one to two parts
)

// busy measures what a link delivers since packets wait before it: while they do, that is all that it can. It needs no
// window to pass before a link that has shrunk is known.
type busy struct {
	any         bool
	older       stretch // the part before
	part        stretch
	sent, began time.Duration // of the packet before the first of the part
	prevSent    time.Duration
	prevArrived time.Duration
}

// stretch is a run of packets: how long they took to leave, and to arrive.
type stretch struct {
	sent, arrived time.Duration
	bytes, n      int
}

// packet takes an arrival, and how much longer than the shortest its way was.
func (b *busy) packet(a twcc.Ack, queue time.Duration) {
	if !b.any || queue < busyQueue || a.Arrived < b.began {
		*b = busy{any: true, sent: a.Sent, began: a.Arrived, prevSent: a.Sent, prevArrived: a.Arrived}
		return
	}
	if b.part.arrived >= busyPart {
		b.older, b.part = b.part, stretch{}
		b.sent, b.began = b.prevSent, b.prevArrived
	}
	b.part.bytes += a.Size
	b.part.n++
	b.part.sent, b.part.arrived = a.Sent-b.sent, a.Arrived-b.began
	b.prevSent, b.prevArrived = a.Sent, a.Arrived
}

// rates are those at which packets arrived and at which they left; 0 when that is not known.
func (b *busy) rates() (arrived, left Bitrate) {
	s := b.part
	s.sent += b.older.sent
	s.arrived += b.older.arrived
	s.bytes += b.older.bytes
	s.n += b.older.n
	if s.n < busyFew || s.arrived < busyLeast {
		return 0, 0
	}
	return rateOf(s.bytes, s.arrived), rateOf(s.bytes, max(s.sent, time.Millisecond))
}
