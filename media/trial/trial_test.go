package trial

import (
	"fmt"
	"testing"
	"time"
)

const seeds = 10

// each plays a scenario with every seed and holds it to what is promised.
func each(t *testing.T, name string, check func(t *testing.T, r *Result)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		for seed := range uint64(seeds) {
			sc, ok := scenarios[name]
			if !ok {
				t.Fatal("no such scenario")
			}
			sc.Seed = seed + 1
			r := Run(sc)
			t.Run(fmt.Sprint("seed ", sc.Seed), func(t *testing.T) {
				check(t, &r)
				if t.Failed() {
					t.Log("\n" + r.Course(1))
				}
			})
		}
	})
}

func (r *Result) longest() (longest time.Duration) {
	for _, s := range r.Screens {
		longest = max(longest, s.Longest)
	}
	return longest
}

// frozen is the share of the meeting that pictures stood still.
func (r *Result) frozen() float64 {
	var sum time.Duration
	for _, s := range r.Screens {
		sum += s.Frozen
	}
	return sum.Seconds() / r.Samples[len(r.Samples)-1].At.Seconds() / float64(len(r.Screens))
}

func (r *Result) decodable(t *testing.T) {
	t.Helper()
	for i, s := range r.Screens {
		if s.DecodeErrors > 0 {
			t.Errorf("slot %d: %d pictures that nothing could decode", i, s.DecodeErrors)
		}
	}
}

func TestAPathThatCarriesEverythingIsFoundWithinASecond(t *testing.T) {
	each(t, "free", func(t *testing.T, r *Result) {
		if shown := r.Screens[0].Shown; len(shown) == 0 || shown[len(shown)-1].level != 2 || shown[len(shown)-1].at > 1500*ms {
			t.Errorf("shown: %v", shown)
		}
		if r.longest() > 200*ms || r.Overuses > 0 || r.AudioLost > 0.002 {
			t.Error("a free path is no path without a flaw")
		}
		r.decodable(t)
	})
}
