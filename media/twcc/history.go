package twcc

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"time"

	"incamera/media/ahead"
	"incamera/media/seq"
)

// ErrFeedback is a feedback packet that is cut or lies about itself.
var ErrFeedback = errors.New("twcc: bad feedback")

// Ack is what feedback says about one packet that was sent.
type Ack struct {
	Seq     seq.Ext
	Size    int
	Sent    time.Duration // our clock
	Arrived time.Duration // the receiver's clock, continuous; only differences mean something
	Lost    bool          // not arrived (yet): a later feedback may still say it did
}

type sentState uint8

const (
	unsent  sentState = iota
	flying            // nothing heard of it
	passed            // a later packet was reported on
	missing           // reported as not arrived
	arrived
)

// sentPacket is 16 bytes, four to a cache line.
type sentPacket struct {
	at    time.Duration
	ext   uint32 // its lowest bits: enough to tell it from others in the same place
	size  uint16
	state sentState
}

const (
	fewest = 256             // packets that are remembered at first
	flight = 2 * time.Second // a packet younger than this may still be reported on
)

// History remembers what was sent to one receiver. Not for concurrent use.
type History struct {
	most    int // packets that it may grow to
	mask    seq.Ext
	ext     seq.Extender
	settled seq.Ext // everything before is no longer in flight
	flying  int
	hasRef  bool
	ref     int64 // reference time of the newest feedback, unwrapped, in refUnit
	packets []sentPacket
}

// NewHistory makes one that remembers n packets (rounded up to a power of two, 64..16384). Its memory is small at first
// and grows to that when so many are on their way at once.
func NewHistory(n int) *History {
	n = 1 << bits.Len(uint(min(max(n, 64), 16384)-1))
	h := &History{most: n}
	h.resize(min(n, fewest))
	return h
}

// resize moves the packets to memory for n.
func (h *History) resize(n int) {
	old := h.packets
	h.packets, h.mask = make([]sentPacket, n), seq.Ext(n-1)
	for i := range old {
		if old[i].state != unsent {
			h.packets[seq.Ext(old[i].ext)&h.mask] = old[i]
		}
	}
}

// Sent takes note of a packet with the transport-wide number s, in sending order.
func (h *History) Sent(s uint16, size int, now time.Duration) {
	e := h.ext.Extend(s)
	if h.settled == 0 {
		h.settled = e
	}
	p := &h.packets[e&h.mask]
	if p.state == flying {
		if now-p.at < flight && len(h.packets) < h.most && p.ext != uint32(e) {
			h.resize(2 * len(h.packets))
			p = &h.packets[e&h.mask]
		}
		if p.state == flying {
			h.flying -= int(p.size)
		}
	}
	size = min(size, 1<<16-1)
	*p = sentPacket{ext: uint32(e), at: now, size: uint16(size), state: flying}
	h.flying += size
}

// Fetch begins to fetch the memory that the next packets will touch.
func (h *History) Fetch() { ahead.Lines(&h.packets[(h.ext.Highest()+1)&h.mask], 2) }

// InFlight is the number of bytes sent after the newest packet that was reported on.
func (h *History) InFlight() int { return h.flying }

// chunks walks the status chunks of a feedback.
type chunks struct {
	b    []byte // at the next chunk
	left int    // packets without status yet

	chunk uint16
	n, i  int // packets in the chunk, and which is next
}

// run gives the next status and how many packets in a row have it for sure (more than 1 only in run chunks).
func (c *chunks) run() (status uint8, n int, ok bool) {
	if c.i == c.n {
		if c.left == 0 || len(c.b) < 2 {
			return 0, 0, false
		}
		c.chunk = binary.BigEndian.Uint16(c.b)
		c.b = c.b[2:]
		c.i = 0
		switch c.chunk >> 14 {
		case 2:
			c.n = min(14, c.left)
		case 3:
			c.n = min(7, c.left)
		default:
			c.n = min(int(c.chunk&maxRunChunk), c.left)
			if c.n == 0 {
				return 0, 0, false
			}
		}
		c.left -= c.n
	}
	switch c.chunk >> 14 {
	case 2:
		status, n = uint8(c.chunk>>(13-c.i)&1), 1
	case 3:
		status, n = uint8(c.chunk>>(12-2*c.i)&3), 1
	default:
		status, n = uint8(c.chunk>>13), c.n
	}
	c.i += n
	return status, n, true
}

// measure walks all chunks and says where the deltas begin and how long they must be.
func measure(body []byte, count int) (deltas, size int, ok bool) {
	c := chunks{b: body, left: count}
	for seen := 0; seen < count; {
		st, n, ok := c.run()
		if !ok || st == 3 { // 3 is reserved
			return 0, 0, false
		}
		seen += n
		size += int(st) * n
	}
	return len(body) - len(c.b), size, true
}

// OnFeedback reads one feedback part (with its RTCP header) and yields every packet it speaks of that is still
// remembered and was not yet reported as arrived, in order. Nothing is yielded of a broken one.
func (h *History) OnFeedback(part []byte, yield func(Ack)) error {
	if len(part) < headLen || part[0]>>6 != 2 || part[0]&0x1f != format || part[1] != packetType {
		return ErrFeedback
	}
	count := int(binary.BigEndian.Uint16(part[14:]))
	body := part[headLen:]
	at, size, ok := measure(body, count)
	if !ok || len(body) < at+size {
		return ErrFeedback
	}
	high := h.ext.Highest()
	if count == 0 || high == 0 {
		return nil
	}
	deltas := body[at : at+size]
	now := h.reference(part) * refTicks
	e := seq.Near(high, binary.BigEndian.Uint16(part[12:]))
	c := chunks{b: body, left: count}
	for seen := 0; seen < count; {
		st, n, _ := c.run()
		seen += n
		if st == statusLost {
			h.lost(e, e+seq.Ext(n), yield)
			e += seq.Ext(n)
			continue
		}
		for range n {
			if st == statusSmall {
				now += int64(deltas[0])
				deltas = deltas[1:]
			} else {
				now += int64(int16(binary.BigEndian.Uint16(deltas)))
				deltas = deltas[2:]
			}
			h.arrived(e, time.Duration(now)*deltaUnit, yield)
			e++
		}
	}
	h.settle(e)
	return nil
}

// reference unwraps the 24-bit reference time.
func (h *History) reference(part []byte) int64 {
	wire := int64(part[16])<<16 | int64(part[17])<<8 | int64(part[18])
	if !h.hasRef {
		h.hasRef, h.ref = true, wire
		return wire
	}
	d := int64(int32(uint32(wire-h.ref)<<8) >> 8)
	r := h.ref + d
	h.ref = max(h.ref, r)
	return r
}

// get gives a remembered packet.
func (h *History) get(e seq.Ext) *sentPacket {
	p := &h.packets[e&h.mask]
	if p.state == unsent || p.ext != uint32(e) {
		return nil
	}
	return p
}

// lost reports the packets from..to-1; only those remembered are walked, however many the feedback claims.
func (h *History) lost(from, to seq.Ext, yield func(Ack)) {
	high := h.ext.Highest()
	if high > h.mask {
		from = max(from, high-h.mask)
	}
	for e := from; e < min(to, high+1); e++ {
		p := h.get(e)
		if p == nil || p.state == missing || p.state == arrived {
			continue
		}
		h.land(p, missing)
		yield(Ack{Seq: e, Size: int(p.size), Sent: p.at, Lost: true})
	}
}

func (h *History) arrived(e seq.Ext, at time.Duration, yield func(Ack)) {
	p := h.get(e)
	if p == nil || p.state == arrived {
		return
	}
	h.land(p, arrived)
	yield(Ack{Seq: e, Size: int(p.size), Sent: p.at, Arrived: at})
}

// land moves a packet to its new state and out of flight.
func (h *History) land(p *sentPacket, s sentState) {
	if p.state == flying {
		h.flying -= int(p.size)
	}
	p.state = s
}

// settle takes everything before end out of flight: feedback about it was lost.
func (h *History) settle(end seq.Ext) {
	end = min(end, h.ext.Highest()+1)
	if high := h.ext.Highest(); high > h.mask {
		h.settled = max(h.settled, high-h.mask)
	}
	for ; h.settled < end; h.settled++ {
		if p := h.get(h.settled); p != nil && p.state == flying {
			h.land(p, passed)
		}
	}
}
