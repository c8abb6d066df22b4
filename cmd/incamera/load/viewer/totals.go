package viewer

import (
	"sync/atomic"

	"incamera/cmd/incamera/load/figures"
)

// Totals are the sums over all viewers of a process.
type Totals struct {
	Packets atomic.Uint64 // RTP, repairs included
	Bytes   atomic.Uint64 // of them, as UDP carries them
	Sound   atomic.Uint64
	Video   atomic.Uint64
	Repairs atomic.Uint64 // retransmissions and padding, on streams of their own
	Missing atomic.Int64  // gaps in the numbers that nothing late has filled: loss before repair
	Garbage atomic.Uint64 // no RTP

	Opened  atomic.Uint64 // of the sample: authentic
	Forged  atomic.Uint64 // of the sample: not
	Stale   atomic.Uint64 // of the sample: marks not counted, since a layer may be replayed from the server's memory
	Latency figures.Histogram
}

// Counts are Totals at one moment.
type Counts struct {
	Packets, Bytes, Sound, Video, Repairs, Garbage, Opened, Forged, Stale uint64
	Missing                                                               int64
}

// Counts reads the sums.
func (t *Totals) Counts() Counts {
	return Counts{
		Packets: t.Packets.Load(), Bytes: t.Bytes.Load(), Sound: t.Sound.Load(), Video: t.Video.Load(), Repairs: t.Repairs.Load(),
		Garbage: t.Garbage.Load(), Opened: t.Opened.Load(), Forged: t.Forged.Load(), Stale: t.Stale.Load(), Missing: t.Missing.Load(),
	}
}

// Since is what came after an earlier moment.
func (c Counts) Since(b Counts) Counts {
	return Counts{
		Packets: c.Packets - b.Packets, Bytes: c.Bytes - b.Bytes, Sound: c.Sound - b.Sound, Video: c.Video - b.Video,
		Repairs: c.Repairs - b.Repairs, Garbage: c.Garbage - b.Garbage, Opened: c.Opened - b.Opened, Forged: c.Forged - b.Forged,
		Stale: c.Stale - b.Stale, Missing: c.Missing - b.Missing,
	}
}
