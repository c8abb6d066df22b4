package store_test

import (
	"context"
	"testing"
	"time"

	"incamera/auth/store"
)

func identities(t *testing.T, ctx context.Context, s *store.Store) {
	addUser(t, ctx, s, "ia")
	addUser(t, ctx, s, "ib")
	i := store.Identity{ID: "i1", User: "ia", Provider: "oidc:corp", Issuer: "https://idp", Subject: "42", CreatedAt: t0}
	ok(t, s.Identities.Create(ctx, i))
	same(t, must[store.Identity](t)(s.Identities.Find(ctx, "https://idp", "42")), i)
	_, err := s.Identities.Find(ctx, "https://other", "42")
	is(t, err, store.ErrNotFound)
	twice := i
	twice.ID, twice.User = "i2", "ib"
	is(t, s.Identities.Create(ctx, twice), store.ErrConflict) // one subject, one person
	ok(t, s.Identities.Use(ctx, "i1", t0.Add(time.Second)))
	if l := must[[]store.Identity](t)(s.Identities.Of(ctx, "ia")); len(l) != 1 || l[0].UsedAt != t0.Add(time.Second) {
		t.Fatal(l)
	}
	is(t, s.Identities.Delete(ctx, "ib", "i1"), store.ErrNotFound)
	ok(t, s.Identities.Delete(ctx, "ia", "i1"))

	ok(t, s.Users.SetDirectory(ctx, "ia", "Ada of Law", []string{"law", "staff"}))
	same(t, must[[]string](t)(s.Users.Groups(ctx, "ia")), []string{"law", "staff"})
	same(t, must[store.User](t)(s.Users.Get(ctx, "ia")).Name, "Ada of Law")
	ok(t, s.Users.SetDirectory(ctx, "ia", "Ada", nil))
	same(t, len(must[[]string](t)(s.Users.Groups(ctx, "ia"))), 0)
	ok(t, s.Users.SetSource(ctx, "ia", "oidc:corp"))
	same(t, must[store.User](t)(s.Users.Get(ctx, "ia")).Source, "oidc:corp")

	for _, id := range []string{"p1", "p2"} {
		ok(t, s.Logins.Create(ctx, store.Login{
			ID: id, Hash: id, User: "ia", State: "full", CreatedAt: t0, ExpiresAt: t0.Add(time.Hour),
			Provider: store.Origin{Name: "corp", Subject: "42", SID: "s-" + id, IDToken: "sealed"},
		}))
	}
	if l := must[[]store.Login](t)(s.Logins.AtProvider(ctx, "corp", "42")); len(l) != 2 || l[0].Provider.IDToken != "sealed" {
		t.Fatal(l)
	}
	if l := must[[]store.Login](t)(s.Logins.AtProviderSID(ctx, "corp", "s-p2")); len(l) != 1 || l[0].ID != "p2" {
		t.Fatal(l)
	}
	if l := must[[]store.Login](t)(s.Logins.AtProvider(ctx, "other", "42")); len(l) != 0 {
		t.Fatal(l)
	}
	ok(t, s.Logins.DeleteOf(ctx, "ia", ""))
}

func signInStates(t *testing.T, ctx context.Context, s *store.Store) {
	x := store.SignInState{
		State: "st", Provider: "corp", Bound: "b", Nonce: "n", Verifier: "v", Trip: 2, Login: "l", User: "u", Back: "/r/x", Confirms: true, Links: true,
		Address: "192.0.2.1", CreatedAt: t0, ExpiresAt: t0.Add(time.Minute),
	}
	ok(t, s.SignInStates.Create(ctx, x))
	for _, c := range [][3]string{{"other", "corp", "b"}, {"st", "other", "b"}, {"st", "corp", "other"}} {
		_, err := s.SignInStates.Take(ctx, c[0], c[1], c[2], t0)
		is(t, err, store.ErrNotFound)
	}
	_, err := s.SignInStates.Take(ctx, "st", "corp", "b", t0.Add(time.Minute))
	is(t, err, store.ErrNotFound)
	same(t, must[store.SignInState](t)(s.SignInStates.Take(ctx, "st", "corp", "b", t0)), x)
	_, err = s.SignInStates.Take(ctx, "st", "corp", "b", t0)
	is(t, err, store.ErrNotFound)
	ok(t, s.SignInStates.Create(ctx, x))
	all, here, err := s.SignInStates.Count(ctx, "192.0.2.2")
	ok(t, err)
	same(t, []int{all, here}, []int{1, 0})
	ok(t, s.SignInStates.Sweep(ctx, t0.Add(time.Minute)))
	all, _, err = s.SignInStates.Count(ctx, "")
	ok(t, err)
	same(t, all, 0)

	ok(t, s.LogoutTokens.Use(ctx, "j", t0))
	is(t, s.LogoutTokens.Use(ctx, "j", t0), store.ErrConflict)
	ok(t, s.LogoutTokens.Sweep(ctx, t0))
	ok(t, s.LogoutTokens.Use(ctx, "j", t0))
}
