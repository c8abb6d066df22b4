package ranktest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Kind is one of the things whose times are compared.
type Kind struct {
	Name string
	Do   func(round int)
}

// Sample does each kind once in every round, in an order that changes, and gives their times.
func Sample(rounds int, kinds ...Kind) map[string][]time.Duration {
	out := map[string][]time.Duration{}
	order := slices.Clone(kinds)
	for round := range rounds {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, k := range order {
			began := time.Now()
			k.Do(round)
			out[k.Name] = append(out[k.Name], time.Since(began))
		}
	}
	return out
}

// Faster is the chance that a time of a is shorter than one of b (Mann and Whitney's U by its greatest value): 0.5 when
// nothing tells them apart, 0 or 1 when one look does.
func Faster(a, b []time.Duration) float64 {
	wins := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x < y:
				wins++
			case x == y:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(a)*len(b))
}

// Bound is how far from 0.5 chance alone takes two samples of n, once in about 30 000 tries, and never less than a
// twentieth: who guesses right in 55 of 100 looks learns little by them.
func Bound(n int) float64 {
	return max(0.05, 4*math.Sqrt(float64(2*n+1)/(12*float64(n)*float64(n))))
}

// Alike fails the test when the times of two kinds can be told apart.
func Alike(t *testing.T, times map[string][]time.Duration) {
	t.Helper()
	names := make([]string, 0, len(times))
	for name := range times {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, a := range names {
		for _, b := range names[i+1:] {
			p, bound := Faster(times[a], times[b]), Bound(len(times[a]))
			t.Logf("%-28s %-28s faster %.3f (0.5 ± %.3f), medians %v %v", a, b, p, bound, median(times[a]), median(times[b]))
			if math.Abs(p-0.5) > bound {
				t.Errorf("an oracle: %q is told from %q by its time", a, b)
			}
		}
	}
}

func median(all []time.Duration) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}
