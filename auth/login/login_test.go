package login_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"incamera/auth/internal/storetest"
	"incamera/auth/login"
	"incamera/auth/store"
)

type world struct {
	*login.Sessions
	s   *store.Store
	u   store.User
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{s: storetest.SQLite(t), now: time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)}
	w.u = store.User{ID: "u1", Login: "ada", Name: "Ada", Role: "user", State: store.UserActive, CreatedAt: w.now}
	if err := w.s.Users.Create(context.Background(), w.u); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.Sessions, err = login.New(login.Options{Store: w.s, Now: func() time.Time { return w.now }}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) begin(t *testing.T) string {
	t.Helper()
	c, s, err := w.Begin(context.Background(), w.u, netip.MustParseAddr("192.0.2.1"), "agent\n")
	if err != nil || s.State != login.Pending || w.FreshMFA(s, time.Hour) {
		t.Fatal(s, err)
	}
	return c
}

func (w *world) full(t *testing.T) string {
	t.Helper()
	c, s, err := w.Elevate(context.Background(), w.begin(t), "otp")
	if err != nil || s.State != login.Full || !w.FreshMFA(s, time.Hour) {
		t.Fatal(s, err)
	}
	return c
}

func gone(t *testing.T, w *world, cookie, why string) {
	t.Helper()
	if _, err := w.Get(context.Background(), cookie); !errors.Is(err, login.ErrNoSession) {
		t.Errorf("%s: %v", why, err)
	}
}

func TestElevationChangesTheCookieAndKeepsTheHandle(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	planted := w.begin(t)
	before, _ := w.Get(ctx, planted)
	c, s, err := w.Elevate(ctx, planted, "otp")
	if err != nil || c == planted || s.ID != before.ID {
		t.Fatal(err)
	}
	gone(t, w, planted, "the cookie from before the second factor")
	got, err := w.Get(ctx, c)
	if err != nil || got.State != login.Full || got.Agent != "agent\uFFFD" || len(got.AMR) != 3 {
		t.Fatalf("%+v %v", got, err)
	}
	byID, err := w.ByID(ctx, s.ID)
	if err != nil || byID.User.ID != "u1" {
		t.Fatal(byID, err)
	}
	if row, _ := w.s.Logins.Get(ctx, s.ID); row.Hash == c {
		t.Error("the cookie is stored in clear")
	}
	var wins atomic.Int32
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, _, err := w.Elevate(ctx, c, "otp"); err == nil {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Error("elevations of one cookie:", wins.Load())
	}
}

func TestSessionsEndToTheSecond(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	start := w.now
	pending := w.begin(t)
	w.now = start.Add(10*time.Minute - time.Second)
	if _, err := w.Get(ctx, pending); err != nil {
		t.Error(err)
	}
	w.now = start.Add(10 * time.Minute)
	gone(t, w, pending, "pending after 10 minutes")

	start = w.now
	idle := w.full(t)
	w.now = start.Add(30 * time.Minute)
	if _, err := w.Get(ctx, idle); err != nil {
		t.Error(err)
	}
	w.now = w.now.Add(30*time.Minute + time.Second)
	gone(t, w, idle, "idle")

	start = w.now
	busy := w.full(t)
	for w.now.Before(start.Add(12*time.Hour - 20*time.Minute)) {
		w.now = w.now.Add(20 * time.Minute)
		if _, err := w.Get(ctx, busy); err != nil {
			t.Fatal(w.now.Sub(start), err)
		}
	}
	w.now = start.Add(12 * time.Hour)
	gone(t, w, busy, "after 12 hours of use")
	if err := w.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if l, _ := w.s.Logins.Of(ctx, "u1"); len(l) != 0 {
		t.Error(l)
	}
}

func TestAFactorIsFreshForItsTimeOnly(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	c := w.full(t)
	s, _ := w.Get(ctx, c)
	w.now = w.now.Add(time.Hour)
	if !w.FreshMFA(s, time.Hour) {
		t.Error("at the limit")
	}
	w.now = w.now.Add(time.Second)
	if w.FreshMFA(s, time.Hour) {
		t.Error("over the limit")
	}
	w.now = s.MFAAt.Add(-6 * time.Second)
	if w.FreshMFA(s, time.Hour) {
		t.Error("a factor from the future")
	}
	s.State = login.Pending
	w.now = s.MFAAt
	if w.FreshMFA(s, time.Hour) || w.FreshMFA(login.Session{State: login.Full, MFAAt: w.now}, time.Hour) || w.FreshMFA(login.Session{}, time.Hour) {
		t.Error("a session that is not full, or not by mfa")
	}
}

func TestRevokedDisabledAndForeignSessionsAreGone(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	a, b, c := w.full(t), w.full(t), w.full(t)
	sa, _ := w.Get(ctx, a)
	sb, _ := w.Get(ctx, b)
	if l, err := w.List(ctx, w.u); err != nil || len(l) != 3 {
		t.Fatal(l, err)
	}
	if err := w.Revoke(ctx, "u2", sa.ID); !errors.Is(err, login.ErrNoSession) {
		t.Error("somebody else revoked it:", err)
	}
	if err := w.Revoke(ctx, "u1", sa.ID); err != nil {
		t.Fatal(err)
	}
	gone(t, w, a, "revoked")
	if err := w.RevokeAll(ctx, "u1", sb.ID); err != nil {
		t.Fatal(err)
	}
	gone(t, w, c, "revoked with all")
	w.s.Users.SetState(ctx, "u1", store.UserDisabled)
	gone(t, w, b, "disabled account")
	w.s.Users.SetState(ctx, "u1", store.UserActive)
	if err := w.End(ctx, b); err != nil {
		t.Fatal(err)
	}
	gone(t, w, b, "signed out")
	if err := w.End(ctx, b); err != nil {
		t.Error("twice:", err)
	}
	for _, bad := range []string{"", "x", string(make([]byte, 43)), "' OR 1=1 --                                "} {
		gone(t, w, bad, "made up")
	}
}
