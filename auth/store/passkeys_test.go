package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"incamera/auth/store"
)

func passkeys(t *testing.T, ctx context.Context, s *store.Store) {
	addUser(t, ctx, s, "pa")
	addUser(t, ctx, s, "pb")
	p := store.Passkey{ID: "k1", User: "pa", Credential: "c1", PublicKey: "pk", Name: "Phone", Transports: []string{"internal", "hybrid"}, Synced: true, CreatedAt: t0}
	ok(t, s.Passkeys.Create(ctx, p))
	same(t, must[store.Passkey](t)(s.Passkeys.ByCredential(ctx, "c1")), p)
	twice := p
	twice.ID, twice.User = "k2", "pb"
	is(t, s.Passkeys.Create(ctx, twice), store.ErrConflict) // one credential, one person
	ok(t, s.Passkeys.Use(ctx, "k1", 0, t0))
	ok(t, s.Passkeys.Use(ctx, "k1", 0, t0)) // authenticators that do not count
	ok(t, s.Passkeys.Use(ctx, "k1", 5, t0))
	for _, n := range []int64{5, 4, 0} {
		is(t, s.Passkeys.Use(ctx, "k1", n, t0), store.ErrNotFound)
	}
	is(t, s.Passkeys.Rename(ctx, "pb", "k1", "Mine"), store.ErrNotFound)
	ok(t, s.Passkeys.Rename(ctx, "pa", "k1", "Key"))
	ok(t, s.Passkeys.Block(ctx, "k1", t0))
	is(t, s.Passkeys.Use(ctx, "k1", 6, t0), store.ErrNotFound)
	is(t, s.Passkeys.Delete(ctx, "pb", "k1"), store.ErrNotFound)
	list := must[[]store.Passkey](t)(s.Passkeys.Of(ctx, "pa"))
	if len(list) != 1 || list[0].Name != "Key" || list[0].BlockedAt != t0 || list[0].SignCount != 5 {
		t.Fatal(list)
	}
	ok(t, s.Passkeys.Delete(ctx, "pa", "k1"))
	ok(t, s.Passkeys.DeleteAll(ctx, "pa"))
}

func ceremonies(t *testing.T, ctx context.Context, s *store.Store) {
	for i := range 5 {
		ok(t, s.Ceremonies.Create(ctx, store.Ceremony{
			Challenge: fmt.Sprint("ch", i), Kind: "sign_in", Bound: "b", Address: "192.0.2.1", CreatedAt: t0.Add(time.Duration(i)), ExpiresAt: t0.Add(time.Minute),
		}))
	}
	is(t, s.Ceremonies.Take(ctx, "ch4", "enrol", "b", t0), store.ErrNotFound)
	is(t, s.Ceremonies.Take(ctx, "ch4", "sign_in", "another", t0), store.ErrNotFound)
	is(t, s.Ceremonies.Take(ctx, "ch4", "sign_in", "b", t0.Add(time.Minute)), store.ErrNotFound)
	ok(t, s.Ceremonies.Take(ctx, "ch4", "sign_in", "b", t0))
	is(t, s.Ceremonies.Take(ctx, "ch4", "sign_in", "b", t0), store.ErrNotFound)
	ok(t, s.Ceremonies.Keep(ctx, "b", 2))
	all, here, err := s.Ceremonies.Count(ctx, "192.0.2.1")
	ok(t, err)
	same(t, []int{all, here}, []int{2, 2})
	_, here, err = s.Ceremonies.Count(ctx, "192.0.2.2")
	ok(t, err)
	same(t, here, 0)
	ok(t, s.Ceremonies.Sweep(ctx, t0.Add(time.Minute)))
	all, _, err = s.Ceremonies.Count(ctx, "")
	ok(t, err)
	same(t, all, 0)
}

func approvals(t *testing.T, ctx context.Context, s *store.Store) {
	a := store.Approval{ID: "a1", Kind: "reset", Object: "ua", State: store.ApprovalOpen, AskedBy: "u:x", AskedAt: t0, ExpiresAt: t0.Add(time.Hour)}
	ok(t, s.Approvals.Create(ctx, a))
	same(t, must[store.Approval](t)(s.Approvals.Get(ctx, "a1")), a)
	twice := a
	twice.ID = "a2"
	is(t, s.Approvals.Create(ctx, twice), store.ErrConflict) // asked for already
	is(t, s.Approvals.Decide(ctx, "a1", store.ApprovalDone, "u:y", t0.Add(time.Hour)), store.ErrNotFound)
	if l := must[[]store.Approval](t)(s.Approvals.Open(ctx, t0, 10)); len(l) != 1 {
		t.Fatal(l)
	}
	ok(t, s.Approvals.Decide(ctx, "a1", store.ApprovalDone, "u:y", t0))
	is(t, s.Approvals.Decide(ctx, "a1", store.ApprovalDone, "u:z", t0), store.ErrNotFound)
	ok(t, s.Approvals.Create(ctx, twice))
	if l := must[[]store.Approval](t)(s.Approvals.Untold(ctx, "reset", "ua")); len(l) != 1 || l[0].DecidedBy != "u:y" {
		t.Fatal(l)
	}
	ok(t, s.Approvals.Told(ctx, "reset", "ua", t0))
	if l := must[[]store.Approval](t)(s.Approvals.Untold(ctx, "reset", "ua")); len(l) != 0 {
		t.Fatal(l)
	}
	ok(t, s.Approvals.Sweep(ctx, t0.Add(time.Hour), t0.Add(time.Second)))
	for _, id := range []string{"a1", "a2"} {
		_, err := s.Approvals.Get(ctx, id)
		is(t, err, store.ErrNotFound)
	}
}
