package approval_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"incamera/auth/approval"
	"incamera/auth/internal/storetest"
	"incamera/auth/store"
)

// What two administrators approve at the same moment, on two instances, happens once.
func TestAnApprovalGivenOnTwoInstancesAtOnceCountsOnce(t *testing.T) {
	storetest.Twice(t, func(t *testing.T, one, other *store.Store) {
		ctx, now := context.Background(), time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)
		var both []*approval.Approvals
		for _, s := range []*store.Store{one, other} {
			a, err := approval.New(approval.Options{Store: s, Now: func() time.Time { return now }})
			must(t, err)
			both = append(both, a)
		}
		w, err := both[0].Ask(ctx, approval.Request{Kind: approval.ResetFactors, Object: "uzhao", By: "u:lin"})
		must(t, err)
		var approved atomic.Int32
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				err := both[i%2].Approve(ctx, w.ID, fmt.Sprintf("u:admin%d", i), "u:zhao", func(ctx context.Context, s *store.Store) error {
					return s.Users.Create(ctx, store.User{ID: fmt.Sprintf("u%d", i), Login: fmt.Sprintf("done-%d", i), Name: "N", Role: "user", State: store.UserActive})
				})
				if err == nil {
					approved.Add(1)
				} else if !errors.Is(err, approval.ErrNotFound) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		done, err := one.Users.List(ctx, "", 100)
		must(t, err)
		if approved.Load() != 1 || len(done) != 1 {
			t.Errorf("%d approvals were taken and %d acts done", approved.Load(), len(done))
		}
	})
}
