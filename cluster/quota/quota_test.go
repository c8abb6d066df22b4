package quota_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"incamera/auth/throttle"
	"incamera/cluster/live/livetest"
	"incamera/cluster/quota"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func instance(t *testing.T, rdb redis.UniversalClient) *quota.Quotas {
	t.Helper()
	q, err := quota.New(quota.Options{Redis: rdb, Log: livetest.Log(), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

var codes = throttle.Options{Free: 10, Base: 15 * time.Minute, Max: 4 * time.Hour, Forget: 24 * time.Hour}

func brake(t *testing.T, rdb redis.UniversalClient, o throttle.Options) throttle.Brake {
	t.Helper()
	b, err := instance(t, rdb).Attempts("factor", o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTenAttemptsSpreadOverTwoInstancesLockOnBoth(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		both := []throttle.Brake{brake(t, rdb, codes), brake(t, rdb, codes)}
		for i := range 10 {
			if wait := both[i%2].Take(t.Context(), "ada"); wait != 0 {
				t.Fatalf("attempt %d waits %v", i+1, wait)
			}
		}
		for i, b := range append(both, brake(t, rdb, codes)) { // the third has just started
			if wait := b.Take(t.Context(), "ada"); wait < 14*time.Minute || wait > 15*time.Minute {
				t.Errorf("instance %d: the eleventh waits %v", i, wait)
			}
			if wait := b.Take(t.Context(), "bob"); wait != 0 {
				t.Errorf("instance %d: somebody else waits %v", i, wait)
			}
		}
	})
}

func TestSuccessOnOneInstanceForgetsOnAllAndARefundTakesOneBack(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		one, other := brake(t, rdb, codes), brake(t, rdb, codes)
		for range 9 {
			one.Take(t.Context(), "ada")
			one.Take(t.Context(), "an office")
		}
		other.Reset(t.Context(), "ada")
		other.Refund(t.Context(), "an office")
		for i := range 9 {
			if wait := one.Take(t.Context(), "ada"); wait != 0 {
				t.Fatalf("attempt %d after success waits %v", i+1, wait)
			}
		}
		for i, free := range []bool{true, true, false} { // 8 were counted
			if wait := one.Take(t.Context(), "an office"); (wait == 0) != free {
				t.Errorf("attempt %d of the office waits %v", i, wait)
			}
		}
	})
}

func TestWaitsGrowAndEnd(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		o := throttle.Options{Free: 2, Base: 400 * time.Millisecond, Max: 1200 * time.Millisecond, Forget: time.Minute}
		one, other := brake(t, rdb, o), brake(t, rdb, o)
		one.Take(t.Context(), "k")
		other.Take(t.Context(), "k")
		for _, most := range []time.Duration{400, 800, 1200, 1200} {
			wait := one.Take(t.Context(), "k")
			if wait <= 0 || wait > most*time.Millisecond {
				t.Fatalf("waits %v, want at most %d ms", wait, most)
			}
			livetest.WaitFor(t, 20*time.Second, "the wait ends", func() bool { return other.Take(t.Context(), "k") == 0 })
		}
	})
}

func TestManyAtOnceOnTwoInstancesDoNotAllPass(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		both := []throttle.Brake{brake(t, rdb, codes), brake(t, rdb, codes)}
		// The connections first: a dial that a busy machine is late with would count as an outage.
		for _, b := range both {
			b.Take(t.Context(), "warm")
		}
		var passed atomic.Int32
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				if both[i%2].Take(t.Context(), "ada") == 0 {
					passed.Add(1)
				}
			})
		}
		all.Wait()
		// Where the machine was too busy for an answer in time each instance counted for itself, for ten at most.
		if n := passed.Load(); n < 10 || n > 30 {
			t.Fatalf("%d passed", n)
		} else if n != 10 {
			t.Logf("%d passed: Redis did not answer in time", n)
		}
	})
}

func TestAnOutageLocksNobodyOutAndLeavesGuessesBounded(t *testing.T) {
	server := livetest.Start(t)
	rdb := server.Client(t)
	one, other := brake(t, rdb, codes), brake(t, rdb, codes)
	for i := range 6 {
		if wait := []throttle.Brake{one, other}[i%2].Take(t.Context(), "ada"); wait != 0 {
			t.Fatal(wait)
		}
	}
	server.Kill(t)
	if wait := one.Take(t.Context(), "bob"); wait != 0 {
		t.Fatalf("somebody waits %v because Redis is away", wait)
	}
	guesses := 0
	for range 50 { // each goes on from what it last knew: 6 and 5
		for _, b := range []throttle.Brake{one, other} {
			if b.Take(t.Context(), "ada") == 0 {
				guesses++
			}
		}
	}
	if guesses > 4+5 {
		t.Errorf("%d guesses during the outage", guesses)
	}
	server.Run(t) // it comes back without anything
	for i, b := range []throttle.Brake{one, other} {
		if b.Take(t.Context(), "ada") == 0 {
			t.Errorf("instance %d forgot with Redis", i)
		}
	}
}

// What was tried while Redis was away is told when it is back: a third instance, that knew nothing, locks too.
func TestWhatAnInstanceCountedAloneIsToldAfterwards(t *testing.T) {
	server := livetest.Start(t)
	rdb := server.Client(t)
	one, other := brake(t, rdb, codes), brake(t, rdb, codes)
	server.Kill(t)
	for range 9 {
		if wait := one.Take(t.Context(), "ada"); wait != 0 {
			t.Fatal(wait)
		}
	}
	server.Run(t)
	time.Sleep(1100 * time.Millisecond) // Redis is asked again
	livetest.WaitFor(t, 20*time.Second, "the tenth is counted by all", func() bool {
		one.Take(t.Context(), "ada")
		return rdb.Exists(t.Context(), keys(t, rdb)...).Val() > 0
	})
	if other.Take(t.Context(), "ada") == 0 {
		t.Error("the other instance does not know")
	}
}

func keys(t *testing.T, rdb redis.UniversalClient) []string {
	t.Helper()
	all, err := rdb.Keys(t.Context(), "ic:quota:*").Result()
	if err != nil || len(all) == 0 {
		return []string{"none"}
	}
	return all
}

func TestAFrozenRedisHoldsNobodyUp(t *testing.T) {
	server := livetest.Start(t)
	b := brake(t, server.Client(t), codes)
	b.Take(t.Context(), "ada")
	server.Signal(t, syscall.SIGSTOP)
	defer server.Signal(t, syscall.SIGCONT)
	start := time.Now()
	for i := range 9 {
		if wait := b.Take(t.Context(), "ada"); wait != 0 {
			t.Fatalf("attempt %d waits %v", i, wait)
		}
	}
	if b.Take(t.Context(), "ada") == 0 {
		t.Error("guesses are not bounded")
	}
	if took := time.Since(start); took > 5*time.Second { // half a second for the first, and room for a busy machine
		t.Errorf("took %v", took)
	}
}

func TestMemoryIsBoundedTheBusyAreKeptAndNoKeyCanBeRead(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		o := codes
		o.Size = 160
		b, other := brake(t, rdb, o), brake(t, rdb, o)
		for i := range 1500 {
			if i%10 == 0 {
				b.Take(t.Context(), "busy")
			}
			b.Take(t.Context(), fmt.Sprintf("correct horse %d", i))
		}
		if other.Take(t.Context(), "busy") == 0 {
			t.Error("the busy key was forgotten")
		}
		n := int64(0)
		for _, k := range keys(t, rdb) {
			if strings.HasSuffix(k, ":states") {
				n += rdb.HLen(t.Context(), k).Val()
				for field, state := range rdb.HGetAll(t.Context(), k).Val() {
					if strings.Contains(field+state, "horse") {
						t.Fatalf("%s holds %s", k, field)
					}
				}
			} else {
				n += rdb.ZCard(t.Context(), k).Val()
			}
			if ttl := rdb.PTTL(t.Context(), k).Val(); ttl <= 0 {
				t.Errorf("%s stays for ever", k)
			}
		}
		if n > 2*160 {
			t.Errorf("%d things are remembered", n)
		}
	})
}

func TestAClientHasOneBudgetOnAllInstances(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		both := []*quota.Quotas{instance(t, rdb), instance(t, rdb)}
		for i := range 4 {
			if wait, err := both[i%2].Spend(t.Context(), "portal", 4); err != nil || wait != 0 {
				t.Fatal(i, wait, err)
			}
		}
		for i, q := range both {
			if wait, err := q.Spend(t.Context(), "portal", 4); err != nil || wait <= 0 || wait > 15*time.Second {
				t.Errorf("instance %d: waits %v, %v", i, wait, err)
			}
			if wait, err := q.Spend(t.Context(), "another", 4); err != nil || wait != 0 {
				t.Errorf("instance %d: another waits %v, %v", i, wait, err)
			}
		}
		fast := instance(t, rdb)
		for range 600 {
			if wait, err := fast.Spend(t.Context(), "fast", 600); err != nil || wait > 200*time.Millisecond {
				t.Fatal(wait, err)
			}
		}
		livetest.WaitFor(t, 20*time.Second, "a request after the wait", func() bool {
			wait, err := fast.Spend(t.Context(), "fast", 600)
			return err == nil && wait == 0
		})
	})
}

func TestNobodyKnowsABudgetWhileRedisIsAway(t *testing.T) {
	server := livetest.Start(t)
	q := instance(t, server.Client(t))
	server.Kill(t)
	if _, err := q.Spend(context.Background(), "portal", 4); !errors.Is(err, quota.ErrAway) {
		t.Fatal(err)
	}
}
