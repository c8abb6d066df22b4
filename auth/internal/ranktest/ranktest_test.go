package ranktest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// The control of all drills: times with a small difference between much noise are told apart, and equal ones are not.
func TestADifferenceIsSeenThroughTheNoise(t *testing.T) {
	const n = 200
	r := rand.New(rand.NewPCG(1, 2))
	noisy := func(at time.Duration) (out []time.Duration) {
		for range n {
			d := at + time.Duration(r.ExpFloat64()*float64(20*time.Microsecond))
			if r.IntN(20) == 0 {
				d += 50 * time.Millisecond // the machine was busy
			}
			out = append(out, d)
		}
		return out
	}
	a, same, slower := noisy(time.Millisecond), noisy(time.Millisecond), noisy(time.Millisecond+15*time.Microsecond)
	if p := Faster(a, same); math.Abs(p-0.5) > Bound(n) {
		t.Errorf("equal ones are told apart: %.3f", p)
	}
	if p := Faster(a, slower); p < 0.5+Bound(n) {
		t.Errorf("15 µs in 1 ms are not seen: %.3f", p)
	}
	if p := Faster(a, a); p != 0.5 {
		t.Errorf("a sample is faster than itself: %v", p)
	}
	if b := Bound(100); b < 0.16 || b > 0.17 {
		t.Error(b)
	}
	if Bound(1_000_000) != 0.05 {
		t.Error("no sample is large enough to look for less than matters")
	}
}

func TestEachKindIsSampledInEveryRound(t *testing.T) {
	seen := map[string]int{}
	times := Sample(10, Kind{"a", func(round int) { seen["a"] += round }}, Kind{"b", func(round int) { seen["b"] += round }})
	if seen["a"] != 45 || seen["b"] != 45 || len(times["a"]) != 10 || len(times["b"]) != 10 {
		t.Error(seen, times)
	}
}
