package nack

import (
	"testing"
	"time"
)

func TestDedupeAllocatesNothing(t *testing.T) {
	var d Dedupe
	s := uint16(0)
	if n := testing.AllocsPerRun(1000, func() {
		s++
		d.Allow(s, 50*time.Millisecond, time.Duration(s)*time.Millisecond)
		d.Allow(s, 50*time.Millisecond, time.Duration(s)*time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDedupe(b *testing.B) {
	var d Dedupe
	now := time.Duration(0)
	for s := uint16(0); b.Loop(); s++ {
		now += time.Millisecond
		d.Allow(s, 50*time.Millisecond, now)
	}
}
