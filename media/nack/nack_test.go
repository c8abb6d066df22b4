package nack

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"incamera/media/seq"
)

const (
	ms  = time.Millisecond
	rtt = 50 * ms
)

func due(g *Generator, now time.Duration) []uint16 {
	return g.Due(make([]uint16, 0, 512), rtt, now)
}

func TestAStreamWithoutGapsAsksForNothing(t *testing.T) {
	g := NewGenerator(Options{})
	for e := seq.Ext(65500); e < 65600; e++ {
		if g.Received(e, 0) {
			t.Fatal("recovered")
		}
	}
	if d := due(g, time.Hour); len(d) != 0 || g.TakeLost() != 0 {
		t.Error(d)
	}
}

func TestAGapIsAskedForAtOnceThenWhenNoAnswerCameThenWithHaste(t *testing.T) {
	g := NewGenerator(Options{MaxTries: 3})
	g.Received(65534, 0)
	g.Received(65538, 0)
	want := []uint16{65535, 0, 1}
	asked := 0
	for now := time.Duration(0); now < 400*ms; now += 5 * ms {
		d := due(g, now)
		if len(d) == 0 {
			continue
		}
		if !slices.Equal(d, want) || now != []time.Duration{0, 65 * ms, 90 * ms}[asked] {
			t.Fatalf("at %v: %v", now, d)
		}
		asked++
	}
	if asked != 3 || g.Missing() != 0 || g.TakeLost() != 3 || g.TakeLost() != 0 {
		t.Errorf("asked %d times, missing %d", asked, g.Missing())
	}
}

func TestAPacketThatCameIsNotAskedForAgain(t *testing.T) {
	g := NewGenerator(Options{})
	g.Received(10, 0)
	g.Received(13, 0)
	due(g, 0)
	if !g.Received(11, 10*ms) || g.Received(11, 11*ms) {
		t.Error("recovery is not told once")
	}
	if d := due(g, rtt+rtt/4); !slices.Equal(d, []uint16{12}) {
		t.Error(d)
	}
}

func TestReorderedPacketsAreWaitedForWhenToldSo(t *testing.T) {
	g := NewGenerator(Options{FirstDelay: 10 * ms})
	g.Received(10, 0)
	g.Received(12, 0)
	if d := due(g, 5*ms); len(d) != 0 {
		t.Error(d)
	}
	if d := due(g, 10*ms); len(d) != 1 {
		t.Error(d)
	}
}

func TestOldGapsAreGivenUp(t *testing.T) {
	g := NewGenerator(Options{MaxAge: 200 * ms, MaxTries: 100})
	g.Received(10, 0)
	g.Received(12, 0)
	if d := due(g, 201*ms); len(d) != 0 || g.TakeLost() != 1 {
		t.Error(d)
	}
}

func TestTooManyGapsGiveUpTheOldest(t *testing.T) {
	g := NewGenerator(Options{Max: 10})
	g.Received(100, 0)
	g.Received(109, 0) // 8 missing
	g.Received(114, 0) // 4 more
	if d := due(g, 0); len(d) != 10 || d[0] != 103 || g.TakeLost() != 2 {
		t.Error(d)
	}
	g.Received(1<<40, 0)
	if d := due(g, 0); len(d) != 10 || g.Missing() != 10 || g.TakeLost() == 0 {
		t.Error(d)
	}
}

func TestAKeyFrameMakesOlderGapsPointless(t *testing.T) {
	g := NewGenerator(Options{})
	g.Forget(5)
	g.Received(10, 0)
	g.Received(20, 0)
	g.Forget(15)
	if d := due(g, 0); !slices.Equal(d, []uint16{15, 16, 17, 18, 19}) || g.TakeLost() != 0 {
		t.Error(d)
	}
}

func TestWhatWasLostBeforeAKeyFrameBreaksNoPicture(t *testing.T) {
	g := NewGenerator(Options{MaxAge: 200 * ms})
	g.Received(10, 0)
	g.Received(20, 0)
	g.Key(15)
	if d := due(g, 0); len(d) != 9 {
		t.Error("what may still be shown is not asked for:", d)
	}
	if due(g, 201*ms); g.TakeLost() != 5 {
		t.Error("of nine packets five are after the key frame's beginning")
	}
}

func TestADoubtedPacketIsToldOnceAndAskedForStill(t *testing.T) {
	g := NewGenerator(Options{Doubt: 300 * ms, MaxAge: time.Second})
	g.Received(10, 0)
	g.Received(12, 0)
	told, asked := 0, 0
	for now := time.Duration(0); now < 900*ms; now += 10 * ms {
		asked += len(due(g, now))
		n := g.TakeLost()
		if told += n; n > 0 && now != 310*ms {
			t.Errorf("told at %v", now)
		}
		if told > 0 && now > 800*ms && g.Missing() != 1 {
			t.Fatal("it was given up")
		}
	}
	if told != 1 || asked < 15 {
		t.Errorf("told %d times, asked for %d times", told, asked)
	}
	if due(g, 1001*ms); g.TakeLost() != 0 || g.Missing() != 0 {
		t.Error("its end is told as well")
	}
}

func TestADistantPublisherHasFourRoundTripsBeforeAnybodyDoubts(t *testing.T) {
	g := NewGenerator(Options{Doubt: 300 * ms})
	g.Received(10, 0)
	g.Received(12, 0)
	g.Due(make([]uint16, 0, 8), 200*ms, 700*ms)
	if g.TakeLost() != 0 {
		t.Error("doubted after three round trips and a half")
	}
}

func TestASmallBufferGetsTheRestLater(t *testing.T) {
	g := NewGenerator(Options{})
	g.Received(10, 0)
	g.Received(20, 0)
	d := g.Due(make([]uint16, 0, 4), rtt, 0)
	d2 := g.Due(make([]uint16, 0, 20), rtt, 0)
	if !slices.Equal(d, []uint16{11, 12, 13, 14}) || !slices.Equal(d2, []uint16{15, 16, 17, 18, 19}) {
		t.Error(d, d2)
	}
}

// A publisher that answers each request, over a network that loses both ways: everything arrives, no packet is asked for more
// often than once per round trip, and nothing is asked for that was not missing.
func TestOverALossyNetworkEverythingIsRecovered(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		g := NewGenerator(Options{MaxTries: 20, MaxAge: 5 * time.Second, Pace: Patient})
		const first, n = seq.Ext(1<<16 + 65000), 2000
		type flight struct {
			at  time.Duration
			ext seq.Ext
		}
		var air []flight
		got := map[seq.Ext]bool{}
		asked := map[uint16]time.Duration{}
		for step := range n + 1000 {
			now := time.Duration(step) * 2 * ms
			if step < n && (step == 0 || step == n-1 || r.IntN(10) != 0) {
				air = append(air, flight{now + time.Duration(r.IntN(8))*ms, first + seq.Ext(step)})
			}
			air = slices.DeleteFunc(air, func(f flight) bool {
				if f.at > now {
					return false
				}
				if got[f.ext] {
					g.Received(f.ext, now) // a duplicate
				}
				g.Received(f.ext, now)
				got[f.ext] = true
				return true
			})
			for _, s := range due(g, now) {
				e := seq.Near(first+n/2, s)
				if got[e] {
					t.Fatalf("seed %d: %d was asked for but is there", seed, e)
				}
				if at, ok := asked[s]; ok && now-at < rtt {
					t.Fatalf("seed %d: %d was asked for twice in %v", seed, e, now-at)
				}
				asked[s] = now
				if r.IntN(10) != 0 && e != first+n-1 {
					air = append(air, flight{now + rtt, e})
				}
			}
		}
		for e := first + 8; e < first+n; e++ { // the very first may have come after its successor
			if !got[e] {
				t.Fatalf("seed %d: %d never came", seed, e)
			}
		}
		if g.Missing() != 0 || g.TakeLost() != 0 {
			t.Fatalf("seed %d: %d missing", seed, g.Missing())
		}
	}
}

func TestAnAnswerIsGivenOncePerRoundTrip(t *testing.T) {
	var d Dedupe
	steps := []struct {
		name string
		seq  uint16
		at   time.Duration
		want bool
	}{
		{"the first request is answered", 7, 0, true},
		{"the same at once is not", 7, 0, false},
		{"nor just before the round trip is over", 7, 49 * ms, false},
		{"another packet is answered", 8, 0, true},
		{"after the round trip it is answered again", 7, 50 * ms, true},
		{"and then not at once", 7, 60 * ms, false},
	}
	for _, s := range steps {
		if got := d.Allow(s.seq, rtt, s.at); got != s.want {
			t.Errorf("%s: %v", s.name, got)
		}
	}
	if !d.Allow(9, time.Hour, 0) || !d.Allow(9, time.Hour, 500*ms) {
		t.Error("an absurd round trip blocks answers for ever")
	}
	if !d.Allow(10, 0, 0) || d.Allow(10, 0, 5*ms) {
		t.Error("an unknown round trip lets everything through")
	}
}

func TestNothingAllocates(t *testing.T) {
	g := NewGenerator(Options{})
	var d Dedupe
	buf := make([]uint16, 0, 300)
	e := seq.Ext(10)
	if n := testing.AllocsPerRun(1000, func() {
		g.Received(e, 0)
		g.Received(e+100, 0)
		g.Due(buf, rtt, 0)
		g.Received(e+50, 0)
		g.Forget(e)
		d.Allow(uint16(e), rtt, 0)
		e += 100
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWhatIsAskedForAgainAndAgainIsWorthMoreCopies(t *testing.T) {
	var d Dedupe
	now := time.Duration(0)
	for i, want := range []int{2, 3, 4, 5, 5, 5} {
		if now += rtt; !d.Allow(7, rtt, now) || d.Copies(7) != want {
			t.Errorf("request %d: %d copies, want %d", i+1, d.Copies(7), want)
		}
	}
	if d.Allow(7+dedupePlaces, rtt, now); d.Copies(7+dedupePlaces) != 2 {
		t.Errorf("%d copies of a packet that is asked for the first time", d.Copies(7+dedupePlaces))
	}
}

func BenchmarkReceivedInOrder(b *testing.B) {
	g := NewGenerator(Options{})
	e := seq.Ext(1)
	for b.Loop() {
		g.Received(e, 0)
		e++
	}
}

func BenchmarkReceivedWithTwoPercentLoss(b *testing.B) {
	g := NewGenerator(Options{})
	buf := make([]uint16, 0, 64)
	e := seq.Ext(1)
	for b.Loop() {
		if e%50 != 0 {
			g.Received(e, time.Duration(e)*ms)
		}
		if e%50 == 20 {
			g.Received(e-20, time.Duration(e)*ms)
		}
		if e%10 == 0 {
			g.Due(buf, rtt, time.Duration(e)*ms)
		}
		e++
	}
}
