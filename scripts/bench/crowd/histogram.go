package crowd

import (
	"math/bits"
	"time"
)

const (
	fine    = 5 // bits of a value that are kept: 3 % wide
	columns = 40 << fine
)

// Histogram counts durations in columns that are 3 % wide.
type Histogram struct {
	counts [columns]uint64
	total  uint64
}

func column(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < 1<<fine {
		return int(v)
	}
	shift := bits.Len64(v) - fine - 1
	return min((shift+1)<<fine+int(v>>shift)-1<<fine, columns-1)
}

// Add counts one.
func (h *Histogram) Add(d time.Duration) {
	h.counts[column(d)]++
	h.total++
}

// Merge adds another's counts.
func (h *Histogram) Merge(o *Histogram) {
	if o == nil {
		return
	}
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
}

// Count is how many there are.
func (h *Histogram) Count() uint64 { return h.total }

// Quantile is the upper edge of the column that holds the q-th part, such as 0.99.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rest := uint64(q * float64(h.total))
	for i, n := range h.counts {
		if n > rest {
			return edge(i + 1)
		}
		rest -= n
	}
	return edge(columns)
}

// edge is the smallest duration of a column.
func edge(i int) time.Duration {
	if i < 1<<fine {
		return time.Duration(i)
	}
	shift := i>>fine - 1
	return time.Duration(uint64(i&(1<<fine-1)+1<<fine) << shift)
}
