package layer

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// camera is a publisher of three layers at 150, 500 and 2500 kbit/s that ran for two seconds.
func camera(layers ...int) (*Set, time.Duration) {
	s := &Set{}
	s.Size(0, 320, 180)
	s.Size(1, 640, 360)
	s.Size(2, 1280, 720)
	feed(s, 0, 2*time.Second, layers...)
	return s, 2 * time.Second
}

func feed(s *Set, from, to time.Duration, layers ...int) {
	rate := [...]int{150_000, 500_000, 2_500_000}
	for now := from; now < to; now += 10 * ms {
		for _, i := range layers {
			s.Packet(i, rate[i]/8/100, now)
		}
	}
}

func TestTheBitrateIsMeasuredOverASecond(t *testing.T) {
	s, now := camera(0, 1, 2)
	for i, want := range []Bitrate{150_000, 500_000, 2_500_000, 0} {
		if got := s.Bitrate(i, now); got < want*95/100 || got > want*105/100 {
			t.Errorf("layer %d: %d", i, got)
		}
	}
	if got := s.Bitrate(2, now+500*ms); got < 1_000_000 || got > 1_500_000 {
		t.Errorf("half a second later: %d", got)
	}
	if got := s.Bitrate(2, now+time.Hour); got != 0 {
		t.Errorf("an hour later: %d", got)
	}
	var fresh Set
	feed(&fresh, 700*ms, 1000*ms, 1)
	if got := fresh.Bitrate(1, 1000*ms); got < 450_000 || got > 550_000 {
		t.Errorf("a stream that has just begun: %d", got)
	}
	if fresh.Bitrate(-1, 0) != 0 || fresh.Bitrate(9, 0) != 0 {
		t.Error("layers that cannot be")
	}
}

func TestALayerIsAliveForASecondAfterItsLastPacket(t *testing.T) {
	s, now := camera(0, 1)
	last := now - 10*ms
	if !s.Alive(1, last+Alive) || s.Alive(1, last+Alive+1) || s.Alive(2, now) || s.Alive(-1, now) || s.Alive(9, now) {
		t.Error("it is not")
	}
}

func TestUnknownSizesAreGuessed(t *testing.T) {
	var s Set
	is := func(what string, i int, width, height uint16) {
		t.Helper()
		if w, h := s.Picture(i); w != width || h != height {
			t.Errorf("%s: layer %d is %dx%d", what, i, w, h)
		}
	}
	is("nothing known", 1, 640, 360)
	s.Size(0, 160, 90)
	s.Size(1, 0, 90)
	is("from the lowest", 1, 320, 180)
	s = Set{}
	s.Size(2, 2560, 1440)
	is("from the highest", 0, 640, 360)
	is("of no layer", 9, 0, 0)
	s.Packet(-1, 1, 0)
	s.Packet(9, 1, 0)
	s.Size(9, 1, 1)
}

func TestWhatALayerWouldCostWhenItIsOff(t *testing.T) {
	s, now := camera(0, 1)
	is := func(what string, got, least, most Bitrate) {
		t.Helper()
		if got < least || got > most {
			t.Errorf("%s: %d", what, got)
		}
	}
	is("never seen, by the one below", s.Expect(2, now), 1_000_000, 1_500_000)
	is("nothing seen", new(Set).Expect(2, now), 1_000_000, 1_500_000)
	is("seen", s.Expect(1, now), 450_000, 550_000)
	is("seen some time ago", s.Expect(1, now+10*time.Second), 440_000, 550_000)
	is("seen long ago: it may be cheaper by now", s.Expect(1, now+time.Hour), 220_000, 280_000)
	if s.Expect(-1, now) != 0 || s.Expect(9, now) != 0 {
		t.Error("layers that cannot be")
	}
}

func TestHints(t *testing.T) {
	var h Hints
	steps := []struct {
		name    string
		watch   int // layer, with delta
		delta   int
		at      time.Duration
		mask    uint8
		changed bool
	}{
		{"at first only the lowest, and that is news", 0, 0, 0, 0b0001, true},
		{"a watcher comes", 2, 1, time.Second, 0b0101, true},
		{"unwatched layers stay off", 0, 0, 4 * time.Second, 0b0101, false},
		{"nothing new", 0, 0, 5 * time.Second, 0b0101, false},
		{"somebody wants the middle layer", 1, 1, 6 * time.Second, 0b0111, true},
		{"the watcher of the upper leaves", 2, -1, 7 * time.Second, 0b0111, false},
		{"and comes back in time", 2, 1, 8 * time.Second, 0b0111, false},
		{"and is counted once", 2, -1, 20 * time.Second, 0b0111, false},
		{"after the linger it is off", 0, 0, 24 * time.Second, 0b0011, true},
		{"too many leave: no harm", 1, -5, 25 * time.Second, 0b0011, false},
		{"layers that cannot be: no harm", 9, 1, 26 * time.Second, 0b0011, false},
		{"only the lowest is left", 0, 0, 40 * time.Second, 0b0001, true},
	}
	for _, st := range steps {
		if st.delta != 0 {
			h.Watch(st.watch, st.delta, st.at)
		}
		if mask, changed := h.Wanted(st.at); mask != st.mask || changed != st.changed {
			t.Errorf("%s: got %04b %v", st.name, mask, changed)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	s, now := camera(0, 1, 2)
	var h Hints
	if n := testing.AllocsPerRun(100, func() {
		now += ms
		s.Packet(1, 1000, now)
		s.Expect(1, now)
		h.Watch(1, 1, now)
		h.Wanted(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPacket(b *testing.B) {
	var s Set
	now := time.Duration(0)
	for b.Loop() {
		now += ms
		s.Packet(1, 1000, now)
	}
}
