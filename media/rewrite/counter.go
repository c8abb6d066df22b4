package rewrite

const counterEpochs = 8

// Counter keeps a number that the sources of a slot count (picture id, TL0PICIDX, frame number) going over their
// switches: the first of each epoch is one more than the highest before. Within an epoch all distances stay. Bits is
// the width of the number; the rest of the zero value is ready.
type Counter struct {
	Bits   uint8
	ever   bool
	last   uint16
	newest uint16
	epochs [counterEpochs]struct {
		valid bool
		n     uint16
		off   uint16
	}
}

// Map gives the outgoing number. False: the epoch is forgotten.
func (c *Counter) Map(epoch, in uint16) (uint16, bool) {
	mask := uint16(1)<<c.Bits - 1
	e := &c.epochs[epoch%counterEpochs]
	if !e.valid || e.n != epoch {
		if c.ever && int16(epoch-c.newest) < 0 {
			return 0, false
		}
		out := in
		if c.ever {
			out = c.last + 1
		}
		e.valid, e.n, e.off = true, epoch, in-out
		c.newest = epoch
	}
	out := (in - e.off) & mask
	if shift := 16 - c.Bits; !c.ever || int16((out-c.last)<<shift) > 0 {
		c.last, c.ever = out, true
	}
	return out, true
}
