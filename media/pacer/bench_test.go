package pacer

import (
	"testing"
	"time"
)

func BenchmarkPushAndPop(b *testing.B) {
	var q Queue[int]
	q.SetRate(1_000_000)
	now := time.Duration(0)
	for b.Loop() {
		now += 10 * time.Millisecond
		q.Push(Video, 1, 1200, now)
		if _, ok := q.Pop(now); ok {
			q.Debit(1200, now)
		}
	}
}
