package pacer

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func TestWithoutARateEverythingPasses(t *testing.T) {
	var q Queue[int]
	for range 1000 {
		if !q.Pass(0) {
			t.Fatal("held back")
		}
		q.Debit(1200, 0)
	}
}

func TestVideoGoesOutAtThePace(t *testing.T) {
	var q Queue[int]
	q.SetRate(1_000_000)
	sent := 0
	for now := time.Duration(0); now < 5*time.Second; now += 5 * ms {
		for q.Len() < 20 {
			if o := q.Push(Video, 0, 1250, now); o != Queued {
				t.Fatal(o)
			}
		}
		for {
			if _, ok := q.Pop(now); !ok {
				break
			}
			sent += 1250
			q.Debit(1250, now)
		}
	}
	if rate := sent * 8 / 5; rate < 980_000 || rate > 1_020_000 {
		t.Errorf("%d bit/s", rate)
	}
}

func TestAFewPacketsPassAtOnceAfterAPause(t *testing.T) {
	var q Queue[int]
	q.SetRate(2_000_000)
	n := 0
	for q.Pass(time.Second) {
		q.Debit(1250, time.Second)
		n++
	}
	if n != 2+1 { // 10 ms at the rate, and the one that crosses it
		t.Errorf("%d packets", n)
	}
}

func TestRepairsGoBeforeNewVideoAndOrderIsKeptWithinAClass(t *testing.T) {
	var q Queue[int]
	q.SetRate(1_000_000)
	for i := range 10 {
		q.Push(Video, i, 100, 0)
		q.Push(Repair, 100+i, 100, 0)
	}
	var got []int
	for now := time.Duration(0); q.Len() > 0; now += ms {
		for {
			v, ok := q.Pop(now)
			if !ok {
				break
			}
			q.Debit(100, now)
			got = append(got, v)
		}
	}
	for i, v := range got {
		want := 100 + i
		if i >= 10 {
			want = i - 10
		}
		if v != want {
			t.Fatalf("place %d: %d", i, v)
		}
	}
}

func TestAudioNeverWaitsButItsBytesCount(t *testing.T) {
	var q Queue[int]
	q.SetRate(100_000)
	q.Debit(1250, 0) // 100 ms of audio at once
	if q.Pass(50 * ms) {
		t.Error("video passed while audio had used the time up")
	}
	if !q.Pass(100 * ms) {
		t.Error("video is held back for longer than audio used")
	}
	for range 1000 {
		q.Debit(1250, 0)
	}
	if !q.Pass(debtMost) {
		t.Error("audio alone starves video for ever")
	}
}

func TestTheQueueIsBoundedInTimeAndNumber(t *testing.T) {
	var q Queue[int]
	q.SetRate(1_000_000)
	n, out := 0, Queued
	for ; out == Queued; n++ {
		out = q.Push(Video, n, 1250, 0)
	}
	if out != TooSlow || q.Delay(0) > Longest || n < 25 {
		t.Errorf("%v after %d, %v", out, n, q.Delay(0))
	}
	q.SetRate(1_000_000_000)
	for out = Queued; out == Queued; n++ {
		out = q.Push(Video, n, 12, 0)
	}
	if out != Full || q.Len() != MaxPackets {
		t.Errorf("%v with %d", out, q.Len())
	}
	if got := q.Remove(func(i int) bool { return i%2 == 0 }); got != MaxPackets/2 || q.Len() != MaxPackets-got {
		t.Error(got, q.Len())
	}
	last := -1
	for q.Len() > 0 {
		v, _ := q.Pop(time.Hour)
		if v%2 == 0 || v < last {
			t.Fatal(v)
		}
		last = v
	}
	if q.Bytes() != 0 {
		t.Error(q.Bytes())
	}
}

func TestNothingAllocates(t *testing.T) {
	var q Queue[int]
	q.SetRate(1_000_000)
	for range 64 {
		q.Push(Video, 1, 10, 0)
	}
	now := time.Second
	if n := testing.AllocsPerRun(100, func() {
		now += time.Second
		for {
			if _, ok := q.Pop(now); !ok {
				break
			}
		}
		if q.Pass(now) {
			q.Debit(1000, now)
		}
		q.Push(Video, 1, 1000, now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPass(b *testing.B) {
	var q Queue[int]
	q.SetRate(50_000_000)
	now := time.Duration(0)
	for b.Loop() {
		now += ms
		if q.Pass(now) {
			q.Debit(1200, now)
		}
	}
}
