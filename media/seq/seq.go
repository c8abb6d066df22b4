package seq

// Ext is a 16-bit RTP sequence number extended to 64 bits. A stream begins in cycle 1 (value 65536 + first sequence
// number), so a packet that was sent before the first one seen still has a place. Zero means "none".
type Ext uint64

// Seq is the sequence number on the wire.
func (e Ext) Seq() uint16 { return uint16(e) }

// Near extends s to the value closest to ref. It never goes below zero.
func Near(ref Ext, s uint16) Ext {
	d := int64(int16(s - uint16(ref)))
	if d < 0 && uint64(-d) > uint64(ref) {
		return ref + Ext(d+1<<16)
	}
	return ref + Ext(d)
}

// Less16 says whether a comes before b in wrapping order.
func Less16(a, b uint16) bool { return int16(a-b) < 0 }

// Extender extends the sequence numbers of one stream. The zero value is ready.
// Peek first, authenticate the packet, then Commit: a forged packet must not move the stream.
type Extender struct {
	highest Ext
}

// Peek says what s would be, and changes nothing.
func (x *Extender) Peek(s uint16) Ext {
	if x.highest == 0 {
		return 1<<16 + Ext(s)
	}
	return Near(x.highest, s)
}

// Commit takes e (from Peek) as seen.
func (x *Extender) Commit(e Ext) {
	if e > x.highest {
		x.highest = e
	}
}

// Extend is Peek and Commit in one, for streams that are already authenticated.
func (x *Extender) Extend(s uint16) Ext {
	e := x.Peek(s)
	x.Commit(e)
	return e
}

// Highest is the highest number seen, 0 before the first packet.
func (x *Extender) Highest() Ext { return x.highest }

// Counter gives out the sequence numbers of a stream we make ourselves, with the rollover count that SRTP needs.
// The zero value starts at 0.
type Counter struct {
	next uint64
}

// NewCounter starts at first. A first below 32768 is wise: RFC 3711 receivers guess the rollover count wrong when the
// first packets are lost just before a wrap.
func NewCounter(first uint16) Counter { return Counter{next: uint64(first)} }

// Next gives the next index: uint16(index) goes on the wire, uint32(index>>16) is the rollover count.
func (c *Counter) Next() uint64 {
	n := c.next
	c.next++
	return n
}
