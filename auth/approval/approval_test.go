package approval_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"incamera/auth/approval"
	"incamera/auth/internal/storetest"
	"incamera/auth/store"
)

func TestNothingHappensUntilASecondPersonApproves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now := context.Background(), time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)
		a, err := approval.New(approval.Options{Store: s, Now: func() time.Time { return now }})
		must(t, err)
		done := 0
		act := func(context.Context, *store.Store) error { done++; return nil }
		q := approval.Request{Kind: approval.ResetFactors, Object: "uzhao", By: "u:lin"}
		w, err := a.Ask(ctx, q)
		must(t, err)
		if _, err := a.Ask(ctx, approval.Request{Kind: q.Kind, Object: q.Object, By: "u:chen"}); !errors.Is(err, approval.ErrAsked) {
			t.Error("asked twice:", err)
		}
		for who, by := range map[string]string{"who asked": "u:lin", "whom it is about": "u:zhao", "nobody": ""} {
			if err := a.Approve(ctx, w.ID, by, "u:zhao", act); !errors.Is(err, approval.ErrOwn) {
				t.Errorf("%s approves: %v", who, err)
			}
		}
		broken := errors.New("broken")
		if err := a.Approve(ctx, w.ID, "u:chen", "u:zhao", func(context.Context, *store.Store) error { return broken }); !errors.Is(err, broken) {
			t.Error(err)
		}
		if at, err := a.Untold(ctx, q.Kind, q.Object); err != nil || !at.IsZero() || done != 0 {
			t.Fatal("something happened", at, err)
		}
		must(t, a.Approve(ctx, w.ID, "u:chen", "u:zhao", act))
		if err := a.Approve(ctx, w.ID, "u:wei", "u:zhao", act); !errors.Is(err, approval.ErrNotFound) || done != 1 {
			t.Error("approved twice:", err)
		}
		if at, err := a.Untold(ctx, q.Kind, q.Object); err != nil || at != now {
			t.Error(at, err)
		}
		must(t, a.Told(ctx, q.Kind, q.Object))
		if at, _ := a.Untold(ctx, q.Kind, q.Object); !at.IsZero() {
			t.Error("told twice")
		}

		w, err = a.Ask(ctx, q)
		must(t, err)
		now = now.Add(24 * time.Hour)
		if err := a.Approve(ctx, w.ID, "u:chen", "u:zhao", act); !errors.Is(err, approval.ErrNotFound) {
			t.Error("a day later:", err)
		}
		w, err = a.Ask(ctx, q) // what is over stands in nobody's way
		must(t, err)
		must(t, a.Withdraw(ctx, w.ID, "u:lin"))
		if err := a.Approve(ctx, w.ID, "u:chen", "u:zhao", act); !errors.Is(err, approval.ErrNotFound) || done != 1 {
			t.Error("withdrawn:", err)
		}
		must(t, a.Alone(ctx, approval.Request{Kind: q.Kind, Object: q.Object, By: "machine"}, act))
		if at, _ := a.Untold(ctx, q.Kind, q.Object); at != now || done != 2 {
			t.Error("the person is not told of what the machine's owner did")
		}
		for i := range approval.MaxOpen {
			_, err := a.Ask(ctx, approval.Request{Kind: q.Kind, Object: fmt.Sprint("u", i), By: "u:lin"})
			must(t, err)
		}
		if _, err := a.Ask(ctx, approval.Request{Kind: q.Kind, Object: "more", By: "u:lin"}); !errors.Is(err, approval.ErrTooMany) {
			t.Error(err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
