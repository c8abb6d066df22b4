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

func TestChoose(t *testing.T) {
	all := []int{0, 1, 2}
	tests := []struct {
		name    string
		alive   []int
		wish    Wish
		current int
		want    int
	}{
		{"nothing alive", nil, Wish{}, -1, -1},
		{"no wish: the largest", all, Wish{}, -1, 2},
		{"a thumbnail", all, Wish{Width: 200, Height: 112}, -1, 0},
		{"exactly the middle layer", all, Wish{Width: 640, Height: 360}, -1, 1},
		{"a little more than the middle layer", all, Wish{Width: 700, Height: 394}, -1, 1},
		{"far more than the middle layer", all, Wish{Width: 900, Height: 506}, -1, 2},
		{"more than there is", all, Wish{Width: 3840, Height: 2160}, -1, 2},
		{"a tall element shows a narrow picture", all, Wish{Width: 300, Height: 900}, -1, 0},
		{"only the width is known", all, Wish{Width: 600}, -1, 1},
		{"the layer is not there: the next lower", []int{0, 1}, Wish{Width: 1280, Height: 720}, -1, 1},
		{"the lower layer is not there: the next higher", []int{1, 2}, Wish{Width: 100, Height: 100}, -1, 1},
		{"the network allows the middle layer", all, Wish{Width: 1280, Height: 720, Max: 1_000_000}, -1, 1},
		{"the network allows nothing: the lowest stays on", all, Wish{Width: 1280, Height: 720, Max: 1000}, -1, 0},
		{"at the border the current layer stays", all, Wish{Width: 800, Height: 450}, 1, 1},
		{"and the larger one stays as well", all, Wish{Width: 700, Height: 394}, 2, 2},
		{"a clearly smaller element goes down", all, Wish{Width: 600, Height: 338}, 2, 1},
		{"a clearly larger element goes up", all, Wish{Width: 900, Height: 506}, 1, 2},
		{"a bitrate a little above the limit stays", all, Wish{Max: 2_400_000}, 2, 2},
		{"and is not chosen anew", all, Wish{Max: 2_400_000}, 1, 1},
		{"a current layer that died does not hold", []int{0, 1}, Wish{Width: 340, Height: 191}, 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, now := camera(tt.alive...)
			if got := s.Choose(tt.wish, tt.current, now); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestALayerWithoutAPacketInTheLastSecondIsNeverChosen(t *testing.T) {
	s, now := camera(0, 1, 2)
	feed(s, now, now+3*time.Second, 0, 1)
	for at := now; at < now+3*time.Second; at += 50 * ms {
		got := s.Choose(Wish{}, 2, at)
		if at-(now-10*ms) <= Alive && got != 2 || at-(now-10*ms) > Alive && got == 2 {
			t.Fatalf("at %v: layer %d", at-now, got)
		}
	}
}

func TestUnknownSizesAreGuessed(t *testing.T) {
	var s Set
	feed(&s, 0, time.Second, 0, 1, 2)
	if got := s.Choose(Wish{Width: 640, Height: 360}, -1, time.Second); got != 1 {
		t.Errorf("nothing known: %d", got)
	}
	s.Size(0, 160, 90)
	s.Size(1, 0, 90)
	if got := s.Choose(Wish{Width: 640, Height: 360}, -1, time.Second); got != 2 {
		t.Errorf("from the lowest: %d", got)
	}
	s = Set{}
	s.Size(2, 2560, 1440)
	feed(&s, 0, time.Second, 0, 1, 2)
	if got := s.Choose(Wish{Width: 640, Height: 360}, -1, time.Second); got != 0 {
		t.Errorf("from the highest: %d", got)
	}
	s.Packet(-1, 1, 0)
	s.Packet(9, 1, 0)
	s.Size(9, 1, 1)
}

func TestWantAsksForLayersThatAreOff(t *testing.T) {
	s, _ := camera(0)
	for _, tt := range []struct {
		w, h uint16
		n    int
		want int
	}{{1280, 720, 3, 2}, {640, 360, 3, 1}, {100, 100, 3, 0}, {1280, 720, 2, 1}, {0, 0, 3, 2}, {100, 100, 1, 0}} {
		if got := s.Want(Wish{Width: tt.w, Height: tt.h}, tt.n); got != tt.want {
			t.Errorf("%+v: %d", tt, got)
		}
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
		s.Choose(Wish{Width: 640, Max: 100}, 1, now)
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

func BenchmarkChoose(b *testing.B) {
	s, now := camera(0, 1, 2)
	for b.Loop() {
		s.Choose(Wish{Width: 640, Height: 360, Max: 1_000_000}, 1, now)
	}
}
