package throttle_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"incamera/auth/throttle"
)

type clock struct{ t time.Time }

func newThrottle(t *testing.T, c *clock, size int) *throttle.Throttle {
	t.Helper()
	th, err := throttle.New(throttle.Options{Free: 3, Base: time.Second, Max: 10 * time.Second, Forget: time.Minute, Size: size, Now: func() time.Time { return c.t }})
	if err != nil {
		t.Fatal(err)
	}
	return th
}

func TestWaitsGrowAndEnd(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	th := newThrottle(t, c, 0)
	for i := range 3 {
		if w := th.Take("a"); w != 0 {
			t.Fatal(i, w)
		}
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		w := th.Take("a")
		if w != want*time.Second {
			t.Fatalf("wait %v, want %ds", w, want)
		}
		c.t = c.t.Add(w)
		if w := th.Take("a"); w != 0 {
			t.Fatal("refused after the wait:", w)
		}
	}
	if th.Take("b") != 0 {
		t.Error("another key waits too")
	}
	th.Reset("a")
	if th.Take("a") != 0 {
		t.Error("reset forgot nothing")
	}
	for range 3 {
		th.Take("c")
	}
	c.t = c.t.Add(2 * time.Minute)
	for range 3 {
		if th.Take("c") != 0 {
			t.Error("an old key was not forgotten")
		}
	}
}

func TestManyAtOnceDoNotAllPass(t *testing.T) {
	th := newThrottle(t, &clock{time.Unix(1e9, 0)}, 0)
	var passed atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if th.Take("a") == 0 {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 3 {
		t.Fatal(passed.Load())
	}
}

func TestMemoryIsBoundedAndKeepsTheBusy(t *testing.T) {
	th := newThrottle(t, &clock{time.Unix(1e9, 0)}, 10)
	for i := range 1000 {
		th.Take("busy")
		th.Take(fmt.Sprint(i))
	}
	if th.Take("busy") == 0 {
		t.Error("the busy key was forgotten")
	}
}
