package tcp

import "sync/atomic"

// Drop is why something of a connection went no further. It is a metric label.
type Drop uint8

// Drops.
const (
	DropFull       Drop = iota // an outgoing packet: the peer does not read and its queue is full
	DropFullVideo              // the same of video, which goes first
	DropControl                // STUN or DTLS of the engine, queue full
	DropGone                   // an outgoing packet of a closed connection
	RefuseTotal                // a connection beyond all that are allowed
	RefuseAddress              // a connection beyond those of one address
	RefuseSilent               // no whole first frame in time
	RefuseUnknown              // a first frame that is for nobody here
	RefuseUnproven             // a first frame for somebody here, and no proof in time
	EndOversized               // a frame longer than any datagram
	EndStalled                 // the peer took nothing for too long
	numDrops
)

var dropNames = [numDrops]string{
	"queue_full", "queue_full_video", "control_full", "gone", "too_many", "too_many_of_address", "silent", "unknown",
	"unproven", "oversized", "stalled",
}

func (d Drop) String() string { return dropNames[d] }

// Drops lists all reasons.
func Drops() []Drop {
	all := make([]Drop, numDrops)
	for i := range all {
		all[i] = Drop(i)
	}
	return all
}

// Counters of a listener and its connections; safe for concurrent use.
type Counters struct {
	Dropped [numDrops]atomic.Uint64
	Conns   atomic.Int64  // open now, those without a first frame included
	Refused atomic.Uint64 // media that the engine tried to write: must stay 0
}

func (c *Counters) drop(d Drop) { c.Dropped[d].Add(1) }
