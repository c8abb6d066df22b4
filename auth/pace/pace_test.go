package pace_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"incamera/auth/pace"
)

func TestWhatTookLongerOrShorterEndsOnTheSameStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const step = 100 * time.Millisecond
		for _, took := range []time.Duration{0, time.Microsecond, 40 * time.Millisecond, 99 * time.Millisecond} {
			for range 50 {
				began := time.Now()
				time.Sleep(took)
				pace.Even(t.Context(), began, step)
				if all := time.Since(began); all < step || all > step+step/4 {
					t.Errorf("%v of work end after %v", took, all)
				}
			}
		}
		began := time.Now()
		time.Sleep(130 * time.Millisecond)
		pace.Even(t.Context(), began, step)
		if all := time.Since(began); all < 2*step || all > 2*step+step/4 {
			t.Errorf("longer work ends after %v", all)
		}
	})
}

func TestNobodyWaitsForWhoIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, gone := context.WithCancel(t.Context())
		gone()
		began := time.Now()
		pace.Even(ctx, began, time.Hour)
		if took := time.Since(began); took != 0 {
			t.Error(took)
		}
	})
}
