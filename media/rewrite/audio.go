package rewrite

import (
	"time"

	"incamera/media/seq"
)

// A slot fed within this time is a continuous stream: the next voice follows the last one without a gap.
const continuous = 60 * time.Millisecond

// longestPacket bounds what is taken for a packet duration: Opus packets last 2.5 to 120 ms, DTX pauses longer.
const longestPacket = 120 * time.Millisecond

// packetTime learns how long an audio packet lasts from the source's own timestamps: in an encrypted room the Opus TOC byte
// cannot be read.
type packetTime struct {
	clock seq.ClockRate
	ticks uint32 // the duration
	prev  uint32 // timestamp of the packet before
	known bool   // prev is set
	maybe uint32 // a longer duration that was seen times in a row
	times uint8
}

func newPacketTime(c seq.ClockRate) packetTime {
	return packetTime{clock: c, ticks: c.Ticks(20 * time.Millisecond)}
}

// forget breaks the row of packets: the next difference means nothing.
func (p *packetTime) forget() { p.known, p.times = false, 0 }

// gap takes a packet that does not follow the one before.
func (p *packetTime) gap(ts uint32) { p.prev, p.known = ts, true }

// learn takes a packet that follows the one before. A shorter duration counts at once; a longer one, which may be a pause,
// when seen three times in a row.
func (p *packetTime) learn(ts uint32) {
	d := ts - p.prev
	known := p.known
	p.prev, p.known = ts, true
	if !known || d == 0 || d > p.clock.Ticks(longestPacket) || d == p.ticks {
		p.times = 0
		return
	}
	if d != p.maybe {
		p.maybe, p.times = d, 0
	}
	p.times++
	if d < p.ticks || p.times >= 3 {
		p.ticks, p.times = d, 0
	}
}

// step is one packet when the stream goes on, else the time that passed in whole packets.
func (p *packetTime) step(elapsed time.Duration) uint32 {
	one := p.clock.Duration(int32(p.ticks))
	if elapsed <= continuous || one <= 0 {
		return p.ticks
	}
	packets := max(int64((elapsed+one/2)/one), 1)
	return uint32(packets * int64(p.ticks))
}
