package sfu

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// shown is a collector of one spread.
type shown struct {
	desc *prometheus.Desc
	all  []*spread
}

func (s shown) Describe(ch chan<- *prometheus.Desc) { ch <- s.desc }
func (s shown) Collect(ch chan<- prometheus.Metric) { ch <- spreadMetric(s.desc, s.all...) }

func TestASpreadCountsByPowersOfTwo(t *testing.T) {
	var a, b spread
	for _, d := range []time.Duration{-1, 0, 63 * time.Microsecond, 100 * time.Microsecond, 3 * time.Millisecond} {
		a.add(d)
	}
	b.add(time.Hour)
	reg := prometheus.NewRegistry()
	reg.MustRegister(shown{prometheus.NewDesc("x", "x", nil, nil), []*spread{&a, &b}})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	h := families[0].GetMetric()[0].GetHistogram()
	var under []uint64
	for _, c := range h.GetBucket() {
		under = append(under, c.GetCumulativeCount())
	}
	// up to 64 µs, 128 µs, … 4 ms, … 65 ms
	if h.GetSampleCount() != 6 || len(under) != 11 || under[0] != 3 || under[1] != 4 || under[6] != 5 || under[10] != 5 {
		t.Errorf("%d samples, %v", h.GetSampleCount(), under)
	}
	if n := testing.AllocsPerRun(100, func() { a.add(time.Millisecond) }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}
