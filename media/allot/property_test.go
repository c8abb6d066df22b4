package allot

import (
	"math/rand/v2"
	"testing"
	"time"

	"incamera/media/layer"
)

// crowd makes up a receiver's slots.
func crowd(rnd *rand.Rand, screens bool) []Slot {
	slots := make([]Slot, 1+rnd.IntN(12))
	for i := range slots {
		s := &slots[i]
		*s = tile(uint64(i+1), uint16(100+rnd.IntN(1800)), 0, nil)
		s.Height = s.Width * 9 / 16
		s.Pinned, s.Speaker, s.Hidden = rnd.IntN(5) == 0, rnd.IntN(9) == 0, rnd.IntN(9) == 0
		s.Screen = screens && rnd.IntN(6) == 0
		from := []func() []Point{camera, smooth, share}[rnd.IntN(3)]()
		part := layer.Bitrate(40 + rnd.IntN(120))
		for k := range from {
			from[k].Bitrate = from[k].Bitrate * part / 100
		}
		s.Points = from[:rnd.IntN(len(from)+1)]
	}
	return slots
}

// planned is what the slots get from a budget, without memory.
func planned(slots []Slot, budget layer.Bitrate) (targets []int, cost layer.Bitrate) {
	var m Memory
	for i := range slots {
		slots[i].prepare()
	}
	m.sort(slots)
	plan(slots, m.order, living, budget)
	for i := range slots {
		targets = append(targets, slots[i].next)
		cost += slots[i].price(slots[i].next)
	}
	return targets, cost
}

func TestAPlanKeepsToItsBudget(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		slots := crowd(rnd, true)
		budget := layer.Bitrate(rnd.IntN(9_000_000))
		targets, cost := planned(slots, budget)
		if cost > budget {
			t.Fatalf("%v cost %d of %d", targets, cost, budget)
		}
		for i, target := range targets {
			if s := &slots[i]; target != None && s.Hidden {
				t.Fatal("something for nobody")
			} else if top := s.chains[living].top(); target > top {
				t.Fatalf("point %d for an element that needs %d", target, top)
			}
		}
	}
}

func TestMoreBudgetGivesNoneOfTheSamePicturesLess(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		slots := crowd(rnd, false)
		less := layer.Bitrate(rnd.IntN(9_000_000))
		more := less + layer.Bitrate(rnd.IntN(2_000_000))
		a, _ := planned(slots, less)
		b, _ := planned(slots, more)
		for i := range slots {
			if (a[i] == None) != (b[i] == None) {
				b = a // somebody came in, and others may pay for it
			}
		}
		for i := range slots {
			if b[i] < a[i] {
				t.Fatalf("slot %d: %d of %d, but %d of %d\n%v\n%v", i, a[i], less, b[i], more, a, b)
			}
		}
	}
}

func TestInAGridOfEqualCamerasMoreBudgetNeverTakesAnythingFromAnybody(t *testing.T) {
	for _, points := range []func() []Point{camera, smooth} {
		for n := 1; n <= 25; n += 3 {
			var last []int
			for budget := layer.Bitrate(1); budget < 20_000_000; budget += 50_000 {
				now, _ := planned(tiles(n, 900, 506, points), budget)
				for i := range last {
					if now[i] < last[i] {
						t.Fatalf("%d cameras at %d: %v after %v", n, budget, now, last)
					}
				}
				last = now
			}
		}
	}
}

func TestTheMoreImportantOfTwoAlikeIsNeverWorseOff(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		points := []func() []Point{camera, smooth}[rnd.IntN(2)]
		slots := tiles(2+rnd.IntN(8), 640, 360, points)
		for i := range slots {
			slots[i].Pinned, slots[i].Speaker = rnd.IntN(3) == 0, rnd.IntN(3) == 0
		}
		v := viewer{slots: slots}
		v.see(layer.Bitrate(rnd.IntN(6_000_000)), 100*ms)
		for a := range slots {
			for b := range slots {
				if slots[a].weight() > slots[b].weight() && slots[a].Target < slots[b].Target {
					t.Fatalf("%+v below %+v", slots[a], slots[b])
				}
			}
		}
	}
}

// A wild life: budgets, wishes, people and layers come and go.
func TestOverTimeTheBudgetIsKeptButForAMoment(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 60 {
		v := viewer{slots: crowd(rnd, true)}
		budget := layer.Bitrate(2_000_000)
		over := time.Duration(0)
		for range 1500 {
			switch rnd.IntN(12) {
			case 0:
				budget = layer.Bitrate(1 + rnd.IntN(8_000_000))
			case 1:
				s := &v.slots[rnd.IntN(len(v.slots))]
				s.Speaker, s.Hidden = !s.Speaker, rnd.IntN(4) == 0
			case 2:
				s := &v.slots[rnd.IntN(len(v.slots))]
				s.Source, s.Current = uint64(rnd.IntN(50)), None
			case 3:
				if s := &v.slots[rnd.IntN(len(v.slots))]; len(s.Points) > 0 {
					p := &s.Points[rnd.IntN(len(s.Points))]
					p.Off = !p.Off
				}
			default:
				budget += budget * layer.Bitrate(rnd.IntN(9)-4) / 100
			}
			v.see(budget, 100*ms)
			cost := total(v.slots)
			most, during := layer.Bitrate(slack), graceTime
			if smallest(v.slots) {
				most, during = borne(v.slots), patience
			}
			if cost > budget*most/100 {
				t.Fatalf("cost %d of %d", cost, budget)
			}
			if over += 100 * ms; cost <= budget {
				over = 0
			}
			if over > during+100*ms {
				t.Fatalf("over the budget for %v", over)
			}
			for i := range v.slots {
				s := &v.slots[i]
				if s.Target != None && (s.Hidden || s.Points[s.Target].Off || s.Source == 0) || s.Ask < min(s.Target, s.Need) {
					t.Fatalf("impossible: %+v", s)
				}
			}
		}
	}
}

func TestTheSameInputGivesTheSameOutput(t *testing.T) {
	run := func() (all []int) {
		rnd := rand.New(rand.NewPCG(9, 10))
		v := viewer{slots: crowd(rnd, true)}
		for range 300 {
			v.see(layer.Bitrate(rnd.IntN(5_000_000)), 100*ms)
			all = append(all, v.targets()...)
		}
		return all
	}
	if !same(run(), run()) {
		t.Error("it did not")
	}
}

func FuzzAllot(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 200, 0, 17, 99})
	f.Fuzz(func(t *testing.T, in []byte) {
		next := func() int {
			if len(in) == 0 {
				return 0
			}
			b := in[0]
			in = in[1:]
			return int(b)
		}
		var m Memory
		now := time.Duration(0)
		slots := make([]Slot, next()%20)
		for range 40 {
			for i := range slots {
				s := &slots[i]
				switch next() % 6 {
				case 0:
					s.Source = uint64(next() % 8)
				case 1:
					s.Width, s.Height = uint16(next()*16), uint16(next()*16)
				case 2:
					s.Points = s.Points[:0]
					for range next() % 20 {
						s.Points = append(s.Points, Point{
							Bitrate: layer.Bitrate(next()*10_000 - 1000), Width: uint16(next() * 10), Height: uint16(next() * 6),
							Spatial: uint8(next() % 4), Off: next()%4 == 0,
						})
					}
				case 3:
					s.Hidden, s.Pinned, s.Screen, s.Speaker = next()%4 == 0, next()%2 == 0, next()%4 == 0, next()%2 == 0
				case 4:
					s.Current = next()%24 - 2
				case 5:
					s.Current = s.Target
				}
			}
			budget := layer.Bitrate(next()*next()*100 - 100)
			m.Allot(budget, slots, now)
			for i := range slots {
				s := &slots[i]
				if s.Target < None || s.Target >= len(s.Points) || s.Ask < min(s.Target, s.Need) || s.Ask >= len(s.Points) {
					t.Fatalf("%+v", s)
				}
			}
			if sum := total(slots); budget > 0 && sum > budget*slack/100 && !(smallest(slots) && sum <= budget*borne(slots)/100) {
				t.Fatalf("%d of %d", sum, budget)
			}
			now += time.Duration(next()) * 10 * ms
		}
	})
}

func TestNothingAllocates(t *testing.T) {
	v := viewer{slots: tiles(49, 640, 360, smooth)}
	budget := layer.Bitrate(1_000_000)
	v.see(budget, time.Second)
	if n := testing.AllocsPerRun(100, func() {
		budget = budget*3%20_000_000 + 500_000
		v.see(budget, 100*ms)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAllot49(b *testing.B) {
	for _, bench := range []struct {
		name   string
		budget layer.Bitrate
	}{{"ample", 100_000_000}, {"scarce", 10_000_000}, {"unlimited", 0}} {
		b.Run(bench.name, func(b *testing.B) {
			v := viewer{slots: tiles(49, 640, 360, smooth)}
			v.see(bench.budget, time.Second)
			b.ReportAllocs()
			for b.Loop() {
				v.see(bench.budget, 100*ms)
			}
		})
	}
}
