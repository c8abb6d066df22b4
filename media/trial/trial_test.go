package trial

import (
	"fmt"
	"slices"
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

func TestRandomLossDoesNotTakeThePicture(t *testing.T) {
	for _, c := range []struct {
		name   string
		frozen float64 // of the time
		still  time.Duration
	}{{"loss5", 0.01, 300 * ms}, {"loss10", 0.02, 400 * ms}, {"burst", 0.015, 400 * ms}, {"reorder", 0, 200 * ms}, {"duplicate", 0, 200 * ms}} {
		each(t, c.name, func(t *testing.T, r *Result) {
			if r.frozen() > c.frozen || r.longest() > c.still {
				t.Errorf("frozen %.3f of the time, at most for %v", r.frozen(), r.longest())
			}
			if s := r.Samples[len(r.Samples)-1]; s.Levels[0] != 2 {
				t.Error("the top layer is not there in the end")
			}
			r.decodable(t)
		})
	}
}

func TestAThirdLostEachWayStillShowsMovingPictures(t *testing.T) {
	whole := 0
	var longest []time.Duration
	each(t, "loss30", func(t *testing.T, r *Result) {
		for _, s := range r.Samples {
			if s.At > 5*time.Second && (s.Estimate < 400_000 || s.Levels[0] < 0) {
				t.Fatalf("at %v the estimate is %d, layer %d", s.At, s.Estimate, s.Levels[0])
			}
		}
		if r.frozen() > 0.1 {
			t.Errorf("frozen %.3f of the time", r.frozen())
		}
		if whole++; r.longest() > 0 {
			longest = append(longest, r.longest())
		}
		r.decodable(t)
		if whole == seeds {
			slices.Sort(longest)
			if median := longest[len(longest)/2]; median > 500*ms {
				t.Errorf("half of the meetings stand still for more than %v", median)
			}
			if most := longest[len(longest)-1]; most > time.Second {
				t.Errorf("a meeting stands still for %v", most)
			}
		}
	})
}

func TestADistantShakyPathIsNoFullOne(t *testing.T) {
	each(t, "jitter", func(t *testing.T, r *Result) {
		if first := r.Screens[0].First; first > 500*ms {
			t.Errorf("first picture after %v", first)
		}
		if r.frozen() > 0 || r.longest() > 200*ms {
			t.Errorf("frozen %.3f of the time, at most for %v", r.frozen(), r.longest())
		}
		for _, s := range r.Samples {
			if s.At > 10*time.Second && s.Estimate < 1_000_000 {
				t.Fatalf("at %v the estimate is %d", s.At, s.Estimate)
			}
		}
	})
}

func TestABusyMachineIsNoNarrowLink(t *testing.T) {
	busy := func(t *testing.T, r *Result) {
		for _, s := range r.Samples {
			if s.At > 5*time.Second && (s.Estimate < 1_000_000 || s.Paused > 0) {
				t.Fatalf("at %v the estimate is %d", s.At, s.Estimate)
			}
		}
	}
	each(t, "stalls", busy)
}

func TestAMachineWithTooMuchToDoIsNoNarrowLink(t *testing.T) {
	for _, name := range []string{"starved-viewer", "starved-node", "starved", "starved-narrow"} {
		each(t, name, func(t *testing.T, r *Result) {
			low := time.Duration(0) // since when the estimate is less than it should be
			for _, s := range r.Samples {
				if s.At < 5*time.Second {
					continue
				}
				if s.Estimate < 210_000 || s.Paused > 0 {
					t.Fatalf("at %v the estimate is %d: not even sound and the lowest layer", s.At, s.Estimate)
				}
				if name == "starved-narrow" || s.Estimate > 1_000_000 {
					low = 0
				} else if low == 0 {
					low = s.At
				} else if s.At-low > 2*time.Second {
					t.Fatalf("at %v the estimate is still %d", s.At, s.Estimate)
				}
			}
			r.decodable(t)
		})
	}
}

func TestALinkThatShrinksAndComesBack(t *testing.T) {
	each(t, "drop", func(t *testing.T, r *Result) {
		low, top := time.Duration(0), time.Duration(0)
		for _, s := range r.Samples {
			switch {
			case s.At > 10*time.Second && s.At < 20*time.Second:
				if s.At > 12*time.Second && s.Queue > 300*ms {
					t.Errorf("at %v the queue is %v", s.At, s.Queue)
				}
				if low == 0 && s.Levels[0] < 2 {
					low = s.At - 10*time.Second
				}
			case s.At > 20*time.Second && top == 0 && s.Levels[0] == 2:
				top = s.At - 20*time.Second
			}
		}
		if low == 0 || low > 500*ms {
			t.Errorf("the top layer is left after %v", low)
		}
		if top == 0 || top > 8*time.Second {
			t.Errorf("the top layer is back after %v", top)
		}
		seen := false
		for _, s := range r.Screens[0].Shown {
			seen = seen || s.level == 0 && s.at > 10*time.Second && s.at < 12*time.Second
		}
		if !seen {
			t.Errorf("the low layer is not seen within two seconds: %v", r.Screens[0].Shown)
		}
		if r.longest() > time.Second || r.AudioLost > 0.01 {
			t.Errorf("still for %v, %.3f of the sound lost", r.longest(), r.AudioLost)
		}
		r.decodable(t)
	})
}

func TestALinkThatWasWideAndShrinksTwice(t *testing.T) {
	each(t, "step", func(t *testing.T, r *Result) {
		for _, s := range r.Samples {
			if s.At > 12*time.Second && s.At < 22*time.Second {
				if s.Queue > 300*ms {
					t.Errorf("at %v the queue is %v", s.At, s.Queue)
				}
				if s.Paused > 0 || s.Estimate < 220_000 {
					t.Errorf("at %v the estimate is %d, %d paused", s.At, s.Estimate, s.Paused)
				}
			}
		}
		low, top := time.Duration(0), time.Duration(0)
		for _, s := range r.Screens[0].Shown {
			switch {
			case low == 0 && s.level == 0 && s.at > 10*time.Second:
				low = s.at - 10*time.Second
			case top == 0 && s.level == 2 && s.at > 22*time.Second:
				top = s.at - 22*time.Second
			}
		}
		if low == 0 || low > 900*ms || top == 0 || top > 8*time.Second {
			t.Errorf("the low layer is seen after %v, the top layer again after %v", low, top)
		}
		if r.longest() > time.Second || r.AudioLost > 0.01 {
			t.Errorf("still for %v, %.3f of the sound lost", r.longest(), r.AudioLost)
		}
		r.decodable(t)
	})
}

func TestALinkForSoundAloneCarriesSoundAlone(t *testing.T) {
	each(t, "link100", func(t *testing.T, r *Result) {
		switches := 0
		for i := 1; i < len(r.Samples); i++ {
			a, b := &r.Samples[i-1], &r.Samples[i]
			if b.At > 2*time.Second && a.Levels[0] != b.Levels[0] {
				switches++
			}
			if b.At > 3*time.Second && b.Paused == 0 {
				t.Errorf("at %v nobody is told that there is no video", b.At)
			}
			if b.At > 3*time.Second && b.Estimate > 140_000 {
				t.Errorf("at %v the estimate is %d", b.At, b.Estimate)
			}
		}
		if switches > 1 || r.AudioLost > 0.01 {
			t.Errorf("%d switches, %.3f of the sound lost", switches, r.AudioLost)
		}
	})
}

func TestALinkThatShrinksToSoundAloneCarriesSoundAlone(t *testing.T) {
	const settled = 11 * time.Second
	each(t, "shrunk100", func(t *testing.T, r *Result) {
		switches := 0
		for i := 1; i < len(r.Samples); i++ {
			a, b := &r.Samples[i-1], &r.Samples[i]
			if b.At < settled {
				continue
			}
			if a.Levels[0] != b.Levels[0] {
				switches++
			}
			if b.Paused == 0 {
				t.Errorf("at %v nobody is told that there is no video", b.At)
			}
			if b.Queue > 500*ms && b.At > settled+3*time.Second {
				t.Errorf("at %v sound waits for %v", b.At, b.Queue)
			}
		}
		lost := 0
		for _, came := range r.AudioFrom[settled/(20*ms):] {
			if !came {
				lost++
			}
		}
		if share := float64(lost) / float64(len(r.AudioFrom)); switches > 2 || share > 0.01 {
			t.Errorf("%d switches, %.3f of the sound lost", switches, share)
		}
	})
}

func TestEightSendersShareALinkWithoutOscillation(t *testing.T) {
	for name, rate := range map[string]float64{"link05": 0.5e6, "link1": 1e6, "link2": 2e6, "link5": 5e6, "link10": 10e6, "policed": 2e6, "shaped05": 0.5e6, "shaped2": 2e6} {
		each(t, name, func(t *testing.T, r *Result) {
			changes := 0
			for i := 1; i < len(r.Samples); i++ {
				s := &r.Samples[i]
				if s.At < 10*time.Second {
					continue
				}
				if share := float64(s.Estimate) / rate; share < 0.80 || share > 1.30 {
					t.Fatalf("at %v the estimate is %.2f of the link", s.At, share)
				}
				for d := range s.Levels {
					if s.Levels[d] != r.Samples[i-1].Levels[d] {
						changes++
					}
				}
				if s.Queue > 200*ms { // a probe that tells a burst from a link fills it for a moment
					t.Errorf("at %v the queue is %v", s.At, s.Queue)
				}
			}
			if changes > 14 { // in 20 s, of 8 pictures; climbing on a wide link takes its time
				t.Errorf("%d changes of layer", changes)
			}
			if r.frozen() > 0.01 || r.AudioLost > 0.02 {
				t.Errorf("frozen %.3f of the time, %.3f of the sound lost", r.frozen(), r.AudioLost)
			}
			r.decodable(t)
		})
	}
}
