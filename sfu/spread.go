package sfu

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	spreadFirst = 64 * time.Microsecond // upper end of the first bucket; each next one is twice as wide
	spreadCells = 12                    // the last takes all above 65 ms
)

// spread counts durations by powers of two: a few nanoseconds for each, as one is taken in every turn of a loop.
type spread struct {
	cells [spreadCells]atomic.Uint64
	nanos atomic.Uint64
}

func (s *spread) add(d time.Duration) {
	i := bits.Len64(uint64(max(d, 0) / spreadFirst))
	s.cells[min(i, spreadCells-1)].Add(1)
	s.nanos.Add(uint64(max(d, 0)))
}

// spreadMetric is the sum of several as a histogram.
func spreadMetric(desc *prometheus.Desc, all ...*spread) prometheus.Metric {
	var count, nanos uint64
	buckets := map[float64]uint64{}
	for i := range spreadCells {
		for _, s := range all {
			count += s.cells[i].Load()
		}
		if i < spreadCells-1 {
			buckets[(spreadFirst << i).Seconds()] = count
		}
	}
	for _, s := range all {
		nanos += s.nanos.Load()
	}
	return prometheus.MustNewConstHistogram(desc, count, time.Duration(nanos).Seconds(), buckets)
}
