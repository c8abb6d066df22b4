package crowd

import (
	"testing"
	"time"
)

func TestQuantilesAreWithinAColumn(t *testing.T) {
	var h Histogram
	for i := 1; i <= 10000; i++ {
		h.Add(time.Duration(i) * time.Microsecond)
	}
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{0.5, 5 * time.Millisecond}, {0.99, 9900 * time.Microsecond}, {0.999, 9990 * time.Microsecond}} {
		if got := h.Quantile(c.q); got < c.want || got > c.want*105/100 {
			t.Errorf("quantile %v is %v, want %v", c.q, got, c.want)
		}
	}
}

func TestEveryDurationLiesInItsColumn(t *testing.T) {
	for d := time.Duration(0); d < time.Hour; d += d/7 + 1 {
		if i := column(d); d < edge(i) || d >= edge(i+1) && i < columns-1 {
			t.Fatalf("%v in column %d: %v to %v", d, i, edge(i), edge(i+1))
		}
	}
}
