package link

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func receive(l *Link[int], now time.Duration) (got []int, at []time.Duration) {
	for {
		v, t, ok := l.Receive(now)
		if !ok {
			return got, at
		}
		got, at = append(got, v), append(at, t)
	}
}

func TestTheBottleneckSpacesPacketsAndItsQueueOverflows(t *testing.T) {
	l := New[int](Options{Rates: []Step{{0, 1_000_000}}, Queue: 12_500, Delay: 20 * ms}, 1)
	for i := range 20 {
		l.Send(i, 1250, 0)
	}
	if q := l.Queue(0); q != 100*ms {
		t.Errorf("queue of %v", q)
	}
	got, at := receive(l, time.Second)
	if len(got) != 10 || l.Dropped != 10 {
		t.Fatalf("%d came, %d dropped", len(got), l.Dropped)
	}
	for i := range at {
		if want := 20*ms + time.Duration(i+1)*10*ms; at[i] != want {
			t.Errorf("packet %d came at %v, want %v", i, at[i], want)
		}
	}
}

func TestAChangeOfRateHoldsForWhatWaits(t *testing.T) {
	l := New[int](Options{Rates: []Step{{0, 2_000_000}, {time.Second, 200_000}, {2 * time.Second, 2_000_000}}}, 1)
	for i := range 4 {
		l.Send(i, 12_500, 950*ms) // 50 ms each, or half a second
	}
	_, at := receive(l, time.Hour)
	want := []time.Duration{1000 * ms, 1500 * ms, 2000 * ms, 2050 * ms}
	for i := range want {
		if at[i] != want[i] {
			t.Errorf("packet %d at %v, want %v", i, at[i], want[i])
		}
	}
}

func TestLossesAreAsOftenAsAskedForAndTheSameForOneSeed(t *testing.T) {
	o := Options{Loss: 0.05, BurstLoss: 0.03, Burst: 8, Reorder: 0.05, Duplicate: 0.05, Jitter: 5 * ms}
	l, same := New[int](o, 5), New[int](o, 5)
	for i := range 20_000 {
		l.Send(i, 1000, time.Duration(i)*ms)
		same.Send(i, 1000, time.Duration(i)*ms)
	}
	if share := float64(l.Lost) / 20_000; share < 0.06 || share > 0.10 {
		t.Errorf("%.3f lost", share)
	}
	got, _ := receive(l, time.Hour)
	again, _ := receive(same, time.Hour)
	if len(got) != len(again) {
		t.Fatal("one seed, two courses")
	}
	late, twice, seen := 0, 0, map[int]bool{}
	high := 0
	for i, v := range got {
		if v != again[i] {
			t.Fatal("one seed, two courses")
		}
		switch {
		case seen[v]:
			twice++
		case v < high:
			late++
		}
		seen[v] = true
		high = max(high, v)
	}
	if late < 800 || late > 1200 || twice < 700 || twice > 1200 {
		t.Errorf("%d late, %d twice", late, twice)
	}
}
