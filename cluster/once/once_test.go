package once_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"incamera/cluster/live/livetest"
	"incamera/cluster/once"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOneOfAHundredUsesIsTheFirst(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		ids := once.New(rdb)
		var firsts atomic.Int32
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				first, err := ids.Use(t.Context(), "client-assertion", "jti-1", time.Minute)
				if err != nil {
					t.Error(err)
				}
				if first {
					firsts.Add(1)
				}
			})
		}
		all.Wait()
		if firsts.Load() != 1 {
			t.Fatalf("%d firsts", firsts.Load())
		}
		if first, err := ids.Use(t.Context(), "totp", "jti-1", time.Minute); err != nil || !first {
			t.Fatalf("another purpose shares the space: %v %v", first, err)
		}
	})
}

func TestAnIdIsForgottenAfterItsTime(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		ids := once.New(rdb)
		if first, err := ids.Use(t.Context(), "p", "x", 100*time.Millisecond); err != nil || !first {
			t.Fatal(first, err)
		}
		livetest.WaitFor(t, 15*time.Second, "forgotten", func() bool {
			first, err := ids.Use(t.Context(), "p", "x", 100*time.Millisecond)
			return err == nil && first
		})
	})
}

func TestNothingPassesWhenRedisIsGone(t *testing.T) {
	server := livetest.Start(t)
	ids := once.New(server.Client(t))
	server.Kill(t)
	start := time.Now()
	if first, err := ids.Use(context.Background(), "p", "x", time.Minute); first || !errors.Is(err, once.ErrUnavailable) {
		t.Fatal(first, err)
	}
	if d := time.Since(start); d > 2500*time.Millisecond {
		t.Fatalf("took %v", d)
	}
	if _, err := ids.Use(context.Background(), "", "x", time.Minute); err == nil || errors.Is(err, once.ErrUnavailable) {
		t.Fatalf("an empty purpose: %v", err)
	}
}
