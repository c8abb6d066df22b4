package seq

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestNear(t *testing.T) {
	tests := []struct {
		name string
		ref  Ext
		s    uint16
		want Ext
	}{
		{"the next number is one more", 100, 101, 101},
		{"a wrap goes up a cycle", 1<<16 + 65535, 0, 2 << 16},
		{"a reordered packet across a wrap goes down a cycle", 2 << 16, 65535, 1<<16 + 65535},
		{"it never goes below zero", 3, 65535, 65535},
		{"half the range ahead counts as behind", 1 << 20, 1 << 15, 1<<20 - 1<<15},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Near(tt.ref, tt.s); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAShuffledStreamIsExtendedToItsTrueNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var x Extender
	truth := make([]Ext, 300_000)
	for i := range truth {
		truth[i] = 1<<16 + 60_000 + Ext(i)
	}
	for i := 0; i+20 < len(truth); i += 20 {
		r.Shuffle(20, func(a, b int) { truth[i+a], truth[i+b] = truth[i+b], truth[i+a] })
	}
	for _, want := range truth {
		if got := x.Extend(want.Seq()); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	}
}

func TestPeekingAForgedPacketMovesNothing(t *testing.T) {
	var x Extender
	x.Extend(10)
	x.Peek(30_000)
	if x.Highest() != 1<<16+10 {
		t.Errorf("highest is %d", x.Highest())
	}
	if got := x.Peek(9); got != 1<<16+9 {
		t.Errorf("the packet before the first is %d", got)
	}
}

func TestTicks(t *testing.T) {
	tests := []struct {
		name string
		c    ClockRate
		d    time.Duration
		want uint32
	}{
		{"20 ms of audio are 960", AudioClock, 20 * time.Millisecond, 960},
		{"10 ms of video are 900", VideoClock, 10 * time.Millisecond, 900},
		{"a third of a tick rounds to nearest", 3, 170 * time.Millisecond, 1},
		{"backwards wraps", VideoClock, -time.Second, 1<<32 - 90000},
		{"a year does not overflow", VideoClock, 365 * 24 * time.Hour, uint32(uint64(365*24*3600*90000) & 0xffffffff)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.c.Ticks(tt.d); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
	if d := VideoClock.Duration(-90000); d != -time.Second {
		t.Error(d)
	}
	if d := ClockRate(0).Duration(5); d != 0 {
		t.Error(d)
	}
	if !RTPTime(5).After(0xfffffff0) || RTPTime(5).Sub(0xfffffff0) != 21 || !Less16(65535, 0) {
		t.Error("wrapping order is wrong")
	}
}

func TestACounterCarriesItsRollover(t *testing.T) {
	c := NewCounter(65535)
	if a, b := c.Next(), c.Next(); uint16(a) != 65535 || a>>16 != 0 || uint16(b) != 0 || b>>16 != 1 {
		t.Error(a, b)
	}
}
