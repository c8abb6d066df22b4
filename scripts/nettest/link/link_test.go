package link

import (
	"math"
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

// run sends a packet of `size` bytes every `gap` and gives the numbers and times of what arrived.
func run(t *testing.T, s Settings, packets, size int, gap time.Duration) (d *Direction, got []int, at []time.Duration) {
	t.Helper()
	d = New(7)
	if err := d.Set(0, s); err != nil {
		t.Fatal(err)
	}
	now := time.Duration(0)
	drain := func(until time.Duration) {
		for {
			next, ok := d.Next()
			if !ok || next > until {
				return
			}
			for p := d.Take(next); p != nil; p = d.Take(next) {
				got = append(got, int(p[0])<<16|int(p[1])<<8|int(p[2]))
				at = append(at, next)
			}
		}
	}
	for i := range packets {
		now = time.Duration(i) * gap
		drain(now)
		p := make([]byte, size)
		p[0], p[1], p[2] = byte(i>>16), byte(i>>8), byte(i)
		d.Offer(now, p)
	}
	drain(now + time.Hour)
	return d, got, at
}

func TestNothingSetPassesEverythingAtOnceInOrder(t *testing.T) {
	_, got, at := run(t, Settings{}, 100, 100, ms)
	for i := range 100 {
		if got[i] != i || at[i] != time.Duration(i)*ms {
			t.Fatalf("packet %d came as %d at %v", i, got[i], at[i])
		}
	}
}

func TestDelayAndJitterKeepTheOrder(t *testing.T) {
	_, got, at := run(t, Settings{Delay: 20 * ms, Jitter: 30 * ms}, 1000, 100, ms)
	if !slices.IsSorted(got) || len(got) != 1000 {
		t.Fatal("jitter reordered or lost packets")
	}
	late := 0
	for i := range got {
		extra := at[i] - time.Duration(i)*ms - 20*ms
		if extra < 0 || extra > 30*ms {
			t.Fatalf("packet %d was delayed by %v beyond the delay", i, extra)
		}
		if extra > 15*ms {
			late++
		}
	}
	if late == 0 {
		t.Fatal("no jitter at all")
	}
}

func TestLossComesInRunsOfTheAskedLength(t *testing.T) {
	for _, c := range []struct{ loss, burst float64 }{{0.05, 1}, {0.3, 1}, {0.03, 8}} {
		const n = 200_000
		d, got, _ := run(t, Settings{Loss: c.loss, Burst: c.burst}, n, 3, ms)
		share := float64(n-len(got)) / n
		if math.Abs(share-c.loss) > 0.15*c.loss {
			t.Errorf("loss %v burst %v: %v lost", c.loss, c.burst, share)
		}
		if d.Counters().Lost != uint64(n-len(got)) {
			t.Errorf("%d lost, %d counted", n-len(got), d.Counters().Lost)
		}
		runs, before := 0, -1
		for _, g := range got {
			if g != before+1 {
				runs++
			}
			before = g
		}
		mean, want := float64(n-len(got))/float64(runs), math.Max(c.burst, 1/(1-c.loss))
		if math.Abs(mean-want) > 0.15*want {
			t.Errorf("loss %v burst %v: runs of %v", c.loss, c.burst, mean)
		}
	}
}

func TestTheSameSeedLosesTheSamePackets(t *testing.T) {
	s := Settings{Loss: 0.1, Burst: 3, Reorder: 0.05, Duplicate: 0.05, Jitter: 10 * ms}
	_, a, _ := run(t, s, 5000, 10, ms)
	_, b, _ := run(t, s, 5000, 10, ms)
	if !slices.Equal(a, b) {
		t.Fatal("two runs of one seed differ")
	}
}

func TestSomeAreOvertakenAndSomeComeTwice(t *testing.T) {
	const n = 20_000
	d, got, _ := run(t, Settings{Reorder: 0.05, Duplicate: 0.05}, n, 10, 2*ms)
	c := d.Counters()
	if len(got) != n+int(c.Doubled) {
		t.Fatalf("%d came, %d doubled", len(got), c.Doubled)
	}
	for name, count := range map[string]uint64{"held": c.Held, "doubled": c.Doubled} {
		if count < n*4/100 || count > n*6/100 {
			t.Errorf("%d of %d %s", count, n, name)
		}
	}
	overtaken := 0
	for i := 1; i < len(got); i++ {
		if got[i] < got[i-1]-1 {
			overtaken++
		}
	}
	if overtaken < n*3/100 {
		t.Errorf("only %d overtaken", overtaken)
	}
}

// 1000 bytes every 10 ms are 800 kbit/s; the line takes half of that.
func TestASlowLineFillsItsQueueAndThenDrops(t *testing.T) {
	d, got, at := run(t, Settings{Rate: 400_000, Queue: 10_000}, 1000, 1000, 10*ms)
	c := d.Counters()
	if c.Dropped == 0 || int(c.Dropped)+len(got) != 1000 {
		t.Fatalf("%d dropped, %d came", c.Dropped, len(got))
	}
	took := at[len(at)-1] - at[0]
	if rate := float64(len(got)-1) * 8000 / took.Seconds(); math.Abs(rate-400_000) > 4000 {
		t.Errorf("the line passed %.0f bit/s", rate)
	}
	if c.Waited < 180*ms || c.Waited > 201*ms {
		t.Errorf("a full queue of 10 packets at 20 ms each let one wait %v", c.Waited)
	}
}

func TestAChangedRateHoldsForWhatWaits(t *testing.T) {
	d := New(1)
	_ = d.Set(0, Settings{Rate: 8_000_000, Queue: 100_000})
	for range 50 {
		d.Offer(0, make([]byte, 1000)) // a millisecond each
	}
	_ = d.Set(10*ms, Settings{Rate: 80_000, Queue: 100_000}) // now 100 ms each
	came := 0
	for now := time.Duration(0); now <= 510*ms; now += ms {
		for d.Take(now) != nil {
			came++
		}
	}
	if came != 10+5 {
		t.Fatalf("%d came within 10 ms fast and 500 ms slow", came)
	}
	if w := d.TakeWaited(510 * ms); w < 500*ms {
		t.Errorf("longest wait %v", w)
	}
	if w := d.TakeWaited(510 * ms); w < 500*ms {
		t.Errorf("what still waits is not counted: %v", w)
	}
}

func TestImpossibleSettingsAreRefused(t *testing.T) {
	for _, s := range []Settings{{Loss: 1.1}, {Loss: math.NaN()}, {Reorder: -1}, {Rate: -1}, {Delay: -1}, {Queue: -1}} {
		if New(1).Set(0, s) == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}
