package srtp

const (
	windowBlocks = 16 // of 64 packets; a power of two
	// windowSize is how far below the highest index a packet may arrive. One
	// block less than the bitmap holds, since the newest block fills up while
	// it shares the bitmap with the oldest. Roomy: a key frame of hundreds of
	// packets may overtake a delayed one.
	windowSize = (windowBlocks - 1) * 64
)

// window is a sliding replay window over packet indexes (the block scheme of
// RFC 6479). The zero value has seen index 0 only; start it with reset.
type window struct {
	highest uint64
	blocks  [windowBlocks]uint64
}

// reset makes first the only index seen.
func (w *window) reset(first uint64) {
	*w = window{highest: first}
	w.blocks[(first>>6)%windowBlocks] = 1 << (first & 63)
}

// fresh reports whether the index is neither seen nor too old.
func (w *window) fresh(index uint64) bool {
	if index > w.highest {
		return true
	}
	if w.highest-index >= windowSize {
		return false
	}
	return w.blocks[(index>>6)%windowBlocks]&(1<<(index&63)) == 0
}

// accept marks a fresh index as seen.
func (w *window) accept(index uint64) {
	if index > w.highest {
		from, to := w.highest>>6, index>>6
		for i := uint64(1); i <= min(to-from, windowBlocks); i++ {
			w.blocks[(from+i)%windowBlocks] = 0
		}
		w.highest = index
	}
	w.blocks[(index>>6)%windowBlocks] |= 1 << (index & 63)
}

// estimate extends a sequence number to a packet index by the highest one
// authenticated so far (RFC 3711 section 3.3.1). Where that would give a ROC
// of -1 the stream has jumped ahead within its first cycle, so the ROC is 0.
// The result exceeds maxIndex when the stream has used up its indexes.
func (w *window) estimate(seq uint16) uint64 {
	roc, last := w.highest>>16, int(uint16(w.highest))
	switch {
	case last < 1<<15 && int(seq)-last > 1<<15 && roc > 0:
		roc--
	case last >= 1<<15 && last-(1<<15) > int(seq):
		roc++
	}
	return roc<<16 | uint64(seq)
}
