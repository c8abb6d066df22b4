package passkey_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"incamera/auth/internal/storetest"
	"incamera/auth/passkey"
	"incamera/auth/store"
)

// A challenge is answered once, on whichever instance, however many send the answer at once.
func TestAnAnswerSentToTwoInstancesAtOnceSignsInOnce(t *testing.T) {
	storetest.Twice(t, func(t *testing.T, one, other *store.Store) {
		p := newPlaceOn(t, one)
		second, err := passkey.New(passkey.Options{Store: other, PublicURL: public, Name: "InCamera test", Now: func() time.Time { return p.now }})
		p.must(err)
		both := []*passkey.Keys{p.Keys, second}
		d, _ := p.enrol(p.ada, "Laptop")
		answer := d.answer(t, p.ask())
		var signedIn atomic.Int32
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				_, err := both[i%2].FinishSignIn(context.Background(), "browser", answer)
				if err == nil {
					signedIn.Add(1)
				} else if !errors.Is(err, passkey.ErrCeremony) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if signedIn.Load() != 1 {
			t.Errorf("%d sign-ins by one answer", signedIn.Load())
		}
	})
}
