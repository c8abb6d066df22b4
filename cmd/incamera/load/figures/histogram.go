package figures

import (
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	subBits = 5 // 32 steps an octave: a value is told 3 % too high at most
	sub     = 1 << subBits
	octaves = 64 - subBits
	cells   = octaves * sub
)

// Histogram counts durations in steps of 3 %, whatever their size. One may write while others read. About 15 KB.
type Histogram struct {
	cell  [cells]atomic.Uint64
	most  atomic.Int64
	below atomic.Uint64 // under zero: clocks that disagree
}

func cellOf(v uint64) int {
	if v < sub {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return (shift+1)*sub + int(v>>shift) - sub
}

// top is the largest value that falls into a cell.
func top(cell int) uint64 {
	if cell < sub {
		return uint64(cell)
	}
	shift := cell/sub - 1
	return (uint64(cell%sub)+sub+1)<<shift - 1
}

// Add counts one duration. What is below zero is counted apart and as zero.
func (h *Histogram) Add(d time.Duration) {
	if d < 0 {
		h.below.Add(1)
		d = 0
	}
	h.cell[cellOf(uint64(d))].Add(1)
	for {
		most := h.most.Load()
		if int64(d) <= most || h.most.CompareAndSwap(most, int64(d)) {
			return
		}
	}
}

// Merge adds what another has counted.
func (h *Histogram) Merge(o *Histogram) {
	for i := range o.cell {
		if n := o.cell[i].Load(); n > 0 {
			h.cell[i].Add(n)
		}
	}
	h.below.Add(o.below.Load())
	for most := o.most.Load(); ; {
		had := h.most.Load()
		if most <= had || h.most.CompareAndSwap(had, most) {
			return
		}
	}
}

// Count is how many were added.
func (h *Histogram) Count() (n uint64) {
	for i := range h.cell {
		n += h.cell[i].Load()
	}
	return n
}

// Below is how many of them were below zero.
func (h *Histogram) Below() uint64 { return h.below.Load() }

// Max is the longest.
func (h *Histogram) Max() time.Duration { return time.Duration(h.most.Load()) }

// Quantile is the duration that a share q of all does not exceed; 0 when there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	n := h.Count()
	if n == 0 {
		return 0
	}
	rank := min(max(uint64(q*float64(n)+0.999999), 1), n)
	for i := range h.cell {
		c := h.cell[i].Load()
		if c >= rank {
			return min(time.Duration(top(i)), h.Max())
		}
		rank -= c
	}
	return h.Max()
}

// Reset forgets everything; what is added meanwhile may or may not stay.
func (h *Histogram) Reset() {
	for i := range h.cell {
		h.cell[i].Store(0)
	}
	h.most.Store(0)
	h.below.Store(0)
}
