package mfa_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"incamera/auth/internal/storetest"
	"incamera/auth/mfa"
	"incamera/auth/seal"
	"incamera/auth/store"
	"incamera/auth/throttle"
)

// unthrottled lets every attempt through: the database alone decides.
type unthrottled struct{}

func (unthrottled) Take(context.Context, string) time.Duration { return 0 }
func (unthrottled) Reset(context.Context, string)              {}
func (unthrottled) Refund(context.Context, string)             {}

// A step and a recovery code are spent once, on whichever instance, however many try at once.
func TestACodeTriedOnTwoInstancesAtOncePassesOnce(t *testing.T) {
	storetest.Twice(t, func(t *testing.T, one, other *store.Store) {
		w, ctx := newWorld(t, one), context.Background()
		secret, recovery := w.enrol(t)
		w.now = w.now.Add(time.Minute)
		both := make([]*mfa.Factors, 0, 2)
		for _, s := range []*store.Store{one, other} {
			keys, err := seal.Start(ctx, seal.Options{Store: s, File: w.kek})
			if err != nil {
				t.Fatal(err)
			}
			f, err := mfa.New(mfa.Options{
				Store: s, Seal: keys, Issuer: "InCamera", Now: func() time.Time { return w.now },
				Brake: func(string, throttle.Options) (throttle.Brake, error) { return unthrottled{}, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			both = append(both, f)
		}
		for name, code := range map[string]string{"a step": w.code(t, secret, w.now), "a recovery code": recovery[3]} {
			var passed atomic.Int32
			var wg sync.WaitGroup
			for i := range 40 {
				wg.Go(func() {
					if _, err := both[i%2].Verify(ctx, "u1", code); err == nil {
						passed.Add(1)
					} else if !errors.Is(err, mfa.ErrCode) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if passed.Load() != 1 {
				t.Errorf("%s passed %d times", name, passed.Load())
			}
		}
	})
}
