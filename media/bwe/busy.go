package bwe

import (
	"time"

	"incamera/media/twcc"
)

const (
	busyQueue  = 10 * time.Millisecond  // of delay, and the link is taken for busy
	busyLeast  = 40 * time.Millisecond  // of arrivals tell a rate
	busyFew    = 4                      // packets do not
	chokeFew   = 3                      // packets that arrived
	chokeTwice = 2                      // times as slowly as they were sent
	chokeQueue = 40 * time.Millisecond  // and wait so long already: the link has shrunk
	busyPart   = 200 * time.Millisecond // the rate is that of the last one to two parts
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
	queue       time.Duration // of the newest packet
	recent      [4]arrival
}

type arrival struct {
	at   time.Duration
	size int
}

// stretch is a run of packets: how long they took to leave, and to arrive.
type stretch struct {
	sent, arrived time.Duration
	bytes, n      int
}

// packet takes an arrival, and how much longer than the shortest its way was.
func (b *busy) packet(a twcc.Ack, queue time.Duration) {
	copy(b.recent[:], b.recent[1:])
	b.recent[len(b.recent)-1] = arrival{a.Arrived, a.Size}
	if !b.any || queue < busyQueue || a.Arrived < b.began {
		*b = busy{any: true, sent: a.Sent, began: a.Arrived, prevSent: a.Sent, prevArrived: a.Arrived, recent: b.recent}
		return
	}
	if b.part.arrived >= busyPart {
		b.older, b.part = b.part, stretch{}
		b.sent, b.began = b.prevSent, b.prevArrived
	}
	b.part.bytes += a.Size
	b.part.n++
	b.part.sent, b.part.arrived = a.Sent-b.sent, a.Arrived-b.began
	b.prevSent, b.prevArrived, b.queue = a.Sent, a.Arrived, queue
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
	return b.chokedTo(rateOf(s.bytes, s.arrived)), rateOf(s.bytes, s.sent)
}

// chokedTo is what the last packets say of a link that has just shrunk: the ones before are of the link that it was.
func (b *busy) chokedTo(rate Bitrate) Bitrate {
	if !b.chokes() {
		return rate
	}
	bytes := 0
	for _, r := range b.recent[1:] {
		bytes += r.size
	}
	return min(rate, rateOf(bytes, b.recent[len(b.recent)-1].at-b.recent[0].at))
}

// chokes says that the link delivers no half of what is sent, as soon as a few packets show it: each moment counts then.
func (b *busy) chokes() bool {
	return b.older.n == 0 && b.part.n >= chokeFew && b.part.arrived >= busyLeast && b.queue >= chokeQueue &&
		b.part.arrived > chokeTwice*b.part.sent
}
