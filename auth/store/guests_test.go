package store_test

import (
	"context"
	"testing"
	"time"

	"incamera/auth/store"
)

func guests(t *testing.T, ctx context.Context, s *store.Store) {
	room := "k7m2q9xw5a"
	ok(t, s.Rooms.Create(ctx, store.Room{ID: room, Title: "G", Owner: "u:ga", Class: "internal", Guests: true, CreatedAt: t0}))
	l := store.GuestLink{ID: "gl1", Room: room, Owner: "u:ga", Label: "Kim", Hash: "h1", Mode: "mail", Mail: "sealed", MaxUses: 2, CreatedAt: t0, ExpiresAt: t0.Add(time.Hour)}
	ok(t, s.Guests.Create(ctx, l))
	same(t, must[store.GuestLink](t)(s.Guests.Get(ctx, "gl1")), l)
	find := func(hash, visit string, now time.Time) error {
		_, err := s.Guests.Find(ctx, hash, visit, 10, now)
		return err
	}
	ok(t, find("h1", "", t0))
	is(t, find("h2", "", t0), store.ErrNotFound)
	is(t, find("h1", "", t0.Add(time.Hour)), store.ErrNotFound)

	m := store.GuestLimits{Tries: 2, Wrong: 3, Codes: 2, Life: 10 * time.Minute, Pause: time.Minute}
	is(t, s.Guests.Try(ctx, "gl1", m, t0), store.ErrNotFound) // none is awaited
	ok(t, s.Guests.SetCode(ctx, "gl1", "c1", m, t0))
	is(t, s.Guests.SetCode(ctx, "gl1", "c2", m, t0.Add(30*time.Second)), store.ErrNotFound) // too soon
	ok(t, s.Guests.Try(ctx, "gl1", m, t0))
	ok(t, s.Guests.Try(ctx, "gl1", m, t0))
	is(t, s.Guests.Try(ctx, "gl1", m, t0), store.ErrNotFound) // two tries a code
	ok(t, s.Guests.SetCode(ctx, "gl1", "c2", m, t0.Add(time.Minute)))
	is(t, s.Guests.TakeCode(ctx, "gl1", "c1"), store.ErrNotFound)
	ok(t, s.Guests.TakeCode(ctx, "gl1", "c2"))
	is(t, s.Guests.TakeCode(ctx, "gl1", "c2"), store.ErrNotFound)
	is(t, s.Guests.SetCode(ctx, "gl1", "c3", m, t0.Add(2*time.Minute)), store.ErrNotFound) // as many codes as there may be

	for _, v := range []string{"v_1", "v_2"} {
		ok(t, s.Guests.Use(ctx, "gl1", t0))
		ok(t, s.Guests.AddVisit(ctx, store.GuestVisit{ID: v, Link: "gl1", Hash: "h" + v, Participant: "p" + v, CreatedAt: t0}))
	}
	is(t, s.Guests.Use(ctx, "gl1", t0), store.ErrNotFound)
	is(t, find("h1", "", t0), store.ErrNotFound) // used up for somebody new
	ok(t, find("h1", "hv_1", t0))                // not for who came before
	same(t, must[store.GuestVisit](t)(s.Guests.Visit(ctx, "gl1", "hv_1")).ID, "v_1")
	same(t, must[store.GuestLink](t)(s.Guests.LinkOf(ctx, "v_2")).ID, "gl1")
	same(t, len(must[[]store.GuestVisit](t)(s.Guests.Visits(ctx, "gl1"))), 2)
	ok(t, s.Guests.Close(ctx, room, "pv_1", t0))
	same(t, must[store.GuestLink](t)(s.Guests.Get(ctx, "gl1")).ClosedAt, t0)
	ok(t, s.Guests.Revoke(ctx, "gl1", t0))
	is(t, s.Guests.Revoke(ctx, "gl1", t0), store.ErrNotFound)
	is(t, find("h1", "hv_1", t0), store.ErrNotFound)
	same(t, len(must[[]store.GuestLink](t)(s.Guests.Of(ctx, room, t0))), 0)
	ok(t, s.Guests.Prune(ctx, t0.Add(2*time.Hour)))
	_, err := s.Guests.LinkOf(ctx, "v_1")
	is(t, err, store.ErrNotFound)
}

func resets(t *testing.T, ctx context.Context, s *store.Store) {
	addUser(t, ctx, s, "ra")
	ok(t, s.Resets.Create(ctx, "r1", "ra", t0, t0.Add(time.Hour)))
	ok(t, s.Resets.Create(ctx, "r2", "ra", t0, t0.Add(time.Hour)))
	_, err := s.Resets.Peek(ctx, "r1", t0)
	is(t, err, store.ErrNotFound) // there is one at a time
	same(t, must[string](t)(s.Resets.Peek(ctx, "r2", t0)), "ra")
	same(t, must[time.Time](t)(s.Resets.Since(ctx, "ra", t0)), t0)
	is(t, s.Resets.Take(ctx, "r2", t0.Add(time.Hour)), store.ErrNotFound)
	ok(t, s.Resets.Take(ctx, "r2", t0))
	is(t, s.Resets.Take(ctx, "r2", t0), store.ErrNotFound)
}
