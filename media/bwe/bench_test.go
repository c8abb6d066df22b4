package bwe

import (
	"testing"
	"time"
)

func BenchmarkSent(b *testing.B) {
	e := New(Options{Start: 2_000_000})
	now := time.Duration(0)
	for b.Loop() {
		now += time.Millisecond
		e.Sent(1100, now)
	}
}
