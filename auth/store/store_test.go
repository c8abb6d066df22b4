package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"incamera/auth/internal/storetest"
	"incamera/auth/store"
)

var t0 = time.Date(2030, 5, 1, 12, 0, 0, 5e6, time.UTC)

// TestBothDatabasesBehaveTheSame runs every repository on both servers.
func TestBothDatabasesBehaveTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for name, f := range map[string]func(*testing.T, context.Context, *store.Store){
			"users": users, "factors": factors, "logins": logins, "clients": clients, "rooms": rooms, "settings": settings,
			"transactions": transactions, "one of many wins": races, "passkeys": passkeys, "ceremonies": ceremonies, "approvals": approvals,
			"identities": identities, "sign-in states": signInStates, "guests": guests, "resets": resets,
		} {
			t.Run(name, func(t *testing.T) { f(t, ctx, s) })
		}
	})
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func addUser(t *testing.T, ctx context.Context, s *store.Store, id string) store.User {
	u := store.User{ID: id, Login: id + "@x", Name: "N'; DROP TABLE users; --", Role: "user", State: store.UserActive, Password: "$p", CreatedAt: t0, PasswordAt: t0, Source: store.SourceLocal}
	ok(t, s.Users.Create(ctx, u))
	return u
}

func users(t *testing.T, ctx context.Context, s *store.Store) {
	u := addUser(t, ctx, s, "ua")
	same(t, must[store.User](t)(s.Users.Get(ctx, "ua")), u)
	same(t, must[store.User](t)(s.Users.ByLogin(ctx, "ua@x")), u)
	again := u
	again.ID = "ub"
	is(t, s.Users.Create(ctx, again), store.ErrConflict)
	_, err := s.Users.Get(ctx, "nobody")
	is(t, err, store.ErrNotFound)
	is(t, s.Users.SetState(ctx, "nobody", store.UserDisabled), store.ErrNotFound)
	ok(t, s.Users.ReplacePassword(ctx, "ua", "$p", "$q", t0.Add(time.Second)))
	is(t, s.Users.ReplacePassword(ctx, "ua", "$p", "$r", t0), store.ErrNotFound)
	ok(t, s.Invites.Create(ctx, "h1", "ua", t0.Add(time.Minute)))
	is(t, s.Invites.Create(ctx, "h2", "nobody", t0), store.ErrConflict)
	_, err = s.Invites.Take(ctx, "h1", t0.Add(time.Minute))
	is(t, err, store.ErrNotFound)
	same(t, must[string](t)(s.Invites.Take(ctx, "h1", t0)), "ua")
	_, err = s.Invites.Take(ctx, "h1", t0)
	is(t, err, store.ErrNotFound)
	for i := range 5 {
		addUser(t, ctx, s, fmt.Sprint("uc", i))
	}
	page := must[[]store.User](t)(s.Users.List(ctx, "uc1@x", 2))
	if len(page) != 2 || page[0].ID != "uc2" {
		t.Fatal(page)
	}
}

func factors(t *testing.T, ctx context.Context, s *store.Store) {
	addUser(t, ctx, s, "fa")
	f := store.Factor{ID: "f1", User: "fa", Kind: "totp", Sealed: "xyz", CreatedAt: t0}
	ok(t, s.Factors.Create(ctx, f))
	is(t, s.Factors.UseStep(ctx, "f1", 9), store.ErrNotFound) // pending
	same(t, must[store.Factor](t)(s.Factors.Pending(ctx, "fa", "totp")), f)
	ok(t, s.Factors.Confirm(ctx, "f1", 10, t0))
	is(t, s.Factors.Confirm(ctx, "f1", 11, t0), store.ErrNotFound)
	is(t, s.Factors.UseStep(ctx, "f1", 10), store.ErrNotFound)
	ok(t, s.Factors.UseStep(ctx, "f1", 11))
	is(t, s.Factors.UseStep(ctx, "f1", 10), store.ErrNotFound)
	if l := must[[]store.Factor](t)(s.Factors.Of(ctx, "fa")); len(l) != 1 || l[0].LastStep != 11 {
		t.Fatal(l)
	}
	ok(t, s.Tx(ctx, func(s *store.Store) error { return s.Recovery.Replace(ctx, "fa", []string{"a", "b"}) }))
	ok(t, s.Recovery.Use(ctx, "fa", "a", t0))
	is(t, s.Recovery.Use(ctx, "fa", "a", t0), store.ErrNotFound)
	same(t, must[int](t)(s.Recovery.Left(ctx, "fa")), 1)
}

func logins(t *testing.T, ctx context.Context, s *store.Store) {
	addUser(t, ctx, s, "la")
	l := store.Login{ID: "l1", Hash: "h1", User: "la", State: "pending", AMR: []string{"pwd"}, CreatedAt: t0, SeenAt: t0, ExpiresAt: t0.Add(time.Hour), Address: "::1", Agent: "x"}
	ok(t, s.Logins.Create(ctx, l))
	same(t, must[store.Login](t)(s.Logins.ByHash(ctx, "h1")), l)
	up := l
	up.ID, up.Hash, up.State, up.MFAAt, up.AMR = "l2", "h2", "full", t0, []string{"pwd", "otp"}
	ok(t, s.Logins.Elevate(ctx, "h1", up))
	is(t, s.Logins.Elevate(ctx, "h1", up), store.ErrNotFound)
	same(t, must[store.Login](t)(s.Logins.Get(ctx, "l2")), up)
	is(t, s.Logins.Delete(ctx, "other", "l2"), store.ErrNotFound)
	ok(t, s.Logins.Sweep(ctx, t0.Add(time.Hour), t0.Add(-time.Hour)))
	_, err := s.Logins.Get(ctx, "l2")
	is(t, err, store.ErrNotFound)
}

func clients(t *testing.T, ctx context.Context, s *store.Store) {
	c := store.Client{ID: "c1", Name: "Portal", JWK: "{}", Origins: []string{"https://a"}, Scopes: []string{"rooms"}, CreatedAt: t0}
	ok(t, s.Clients.Create(ctx, c))
	same(t, must[store.Client](t)(s.Clients.Get(ctx, "c1")), c)
	ok(t, s.Clients.Trust(ctx, "c1", true))
	same(t, must[store.Client](t)(s.Clients.Get(ctx, "c1")).Trusted, true)
	is(t, s.Clients.Trust(ctx, "nobody", true), store.ErrNotFound)
	ok(t, s.Clients.Disable(ctx, "c1", t0))
	if l := must[[]store.Client](t)(s.Clients.List(ctx)); len(l) != 1 || !l[0].DisabledAt.Equal(t0) {
		t.Fatal(l)
	}
}

func rooms(t *testing.T, ctx context.Context, s *store.Store) {
	r := store.Room{ID: "k7m2q9xw4d", Title: "会议", Owner: "u:ra", Class: "internal", E2EE: true, Screens: 4, CreatedAt: t0}
	r.Lobby, r.Watermark, r.Locked, r.RulesAt = "always", true, true, t0
	ok(t, s.Rooms.Create(ctx, r))
	r.Version = 1
	same(t, must[store.Room](t)(s.Rooms.Get(ctx, r.ID)), r)
	is(t, s.Rooms.Create(ctx, r), store.ErrConflict)
	newer := r
	newer.Title, newer.Class, newer.Lobby, newer.Locked = "新", "secret", "", false
	ok(t, s.Rooms.Update(ctx, newer))
	is(t, s.Rooms.Update(ctx, r), store.ErrConflict) // somebody else was first
	newer.Version = 2
	same(t, must[store.Room](t)(s.Rooms.Get(ctx, r.ID)), newer)
	newer.ID = "nosuchroom"
	is(t, s.Rooms.Update(ctx, newer), store.ErrNotFound)
	ok(t, s.Members.Set(ctx, store.Member{Room: r.ID, Subject: "u:rb", Role: "cohost"}))
	ok(t, s.Members.Set(ctx, store.Member{Room: r.ID, Subject: "u:rb", Role: "viewer"}))
	same(t, must[store.Member](t)(s.Members.Get(ctx, r.ID, "u:rb")).Role, "viewer")
	same(t, len(must[[]store.Room](t)(s.Rooms.Of(ctx, "u:rb", 9))), 1)
	ok(t, s.Meetings.Start(ctx, store.Meeting{ID: "m1", Room: r.ID, StartedAt: t0}))
	ok(t, s.Meetings.Start(ctx, store.Meeting{ID: "m1", Room: r.ID, StartedAt: t0.Add(time.Hour)}))
	ok(t, s.Meetings.End(ctx, "m1", 4, t0.Add(time.Minute)))
	is(t, s.Meetings.End(ctx, "m1", 4, t0), store.ErrNotFound)
	m := must[[]store.Meeting](t)(s.Meetings.Of(ctx, r.ID, 5))
	same(t, m, []store.Meeting{{ID: "m1", Room: r.ID, StartedAt: t0, EndedAt: t0.Add(time.Minute), Peak: 4}})
	ok(t, s.Bans.Add(ctx, store.Ban{Room: r.ID, Subject: "g:1", Actor: "u:ra", CreatedAt: t0}))
	ok(t, s.Bans.Add(ctx, store.Ban{Room: r.ID, Subject: "g:1", Actor: "u:rb", CreatedAt: t0}))
	same(t, must[bool](t)(s.Bans.Has(ctx, r.ID, "g:1")), true)
	ok(t, s.Bans.Lift(ctx, r.ID, "g:1"))
	same(t, must[bool](t)(s.Bans.Has(ctx, r.ID, "g:1")), false)
	over := func(since time.Time) []store.RoomEnd { return must[[]store.RoomEnd](t)(s.Rooms.Over(ctx, since, 9)) }
	same(t, len(over(t0)), 0)
	ok(t, s.Rooms.End(ctx, r.ID, t0.Add(time.Second)))
	same(t, over(t0), []store.RoomEnd{{Room: r.ID, At: t0.Add(time.Second)}})
	same(t, len(over(t0.Add(2*time.Second))), 0)
	listed := func(after string) (list []store.Room) { // others may have rooms of theirs here
		for _, one := range must[[]store.Room](t)(s.Rooms.All(ctx, after, 9)) {
			if one.Owner == r.Owner {
				list = append(list, one)
			}
		}
		return list
	}
	same(t, listed("k"), []store.Room{must[store.Room](t)(s.Rooms.Get(ctx, r.ID))})
	same(t, len(listed(r.ID)), 0)
	ok(t, s.Rooms.Delete(ctx, r.ID, t0.Add(3*time.Second)))
	same(t, over(t0.Add(2*time.Second)), []store.RoomEnd{{Room: r.ID, At: t0.Add(3 * time.Second)}})
	is(t, s.Rooms.End(ctx, r.ID, t0), store.ErrNotFound)
	same(t, len(listed("")), 0)
	_, err := s.Rooms.Get(ctx, r.ID)
	is(t, err, store.ErrNotFound)
}

func settings(t *testing.T, ctx context.Context, s *store.Store) {
	ok(t, s.Settings.Set(ctx, "a", "1"))
	ok(t, s.Settings.Set(ctx, "a", "2"))
	same(t, must[string](t)(s.Settings.Get(ctx, "a")), "2")
	is(t, s.Settings.Create(ctx, "a", "3"), store.ErrConflict)
	is(t, s.Settings.Take(ctx, "a", "1"), store.ErrNotFound)
	ok(t, s.Settings.Take(ctx, "a", "2"))
	ok(t, s.Tx(ctx, func(s *store.Store) error {
		same(t, must[string](t)(s.Settings.Lock(ctx, "lock")), "")
		return s.Settings.Set(ctx, "lock", "x")
	}))
	same(t, must[string](t)(s.Settings.Get(ctx, "lock")), "x")
}

func transactions(t *testing.T, ctx context.Context, s *store.Store) {
	boom := errors.New("boom")
	is(t, s.Tx(ctx, func(s *store.Store) error {
		ok(t, s.Settings.Set(ctx, "gone", "1"))
		return s.Tx(ctx, func(*store.Store) error { return boom })
	}), boom)
	_, err := s.Settings.Get(ctx, "gone")
	is(t, err, store.ErrNotFound)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	is(t, s.Settings.Set(gone, "gone", "1"), context.Canceled)
}

// races: what may be used once is used once, whoever asks at the same time.
func races(t *testing.T, ctx context.Context, s *store.Store) {
	addUser(t, ctx, s, "race")
	ok(t, s.Factors.Create(ctx, store.Factor{ID: "fr", User: "race", Kind: "totp", CreatedAt: t0}))
	ok(t, s.Factors.Confirm(ctx, "fr", 1, t0))
	ok(t, s.Invites.Create(ctx, "hr", "race", t0.Add(time.Hour)))
	ok(t, s.Recovery.Replace(ctx, "race", []string{"code"}))
	var steps, invites, codes atomic.Int32
	count := func(n *atomic.Int32, err error) {
		if err == nil {
			n.Add(1)
		} else if !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			count(&steps, s.Factors.UseStep(ctx, "fr", 2))
			_, err := s.Invites.Take(ctx, "hr", t0)
			count(&invites, err)
			count(&codes, s.Recovery.Use(ctx, "race", "code", t0))
		})
	}
	wg.Wait()
	if steps.Load() != 1 || invites.Load() != 1 || codes.Load() != 1 {
		t.Fatal(steps.Load(), invites.Load(), codes.Load())
	}
}

func TestOptionsNameExactlyOneDatabase(t *testing.T) {
	for _, o := range []store.Options{{}, {SQLite: "a", Postgres: "b"}, {SQLite: "a", MaxConns: -1}} {
		if _, err := store.Open(context.Background(), o); err == nil {
			t.Errorf("%+v passed", o)
		}
	}
}

// An installation of the first days, its tables as they were then, opens with today's program and has kept its rooms.
func TestRoomsOfBeforeTheyHadANumberOfScreensAreKept(t *testing.T) {
	ctx := context.Background()
	lite := t.TempDir() + "/old.db"
	for driver, old := range map[string]struct {
		store.Options
		dsn     string
		dialect goose.Dialect
	}{
		"sqlite": {store.Options{SQLite: lite}, "file:" + lite, goose.DialectSQLite3},
		"pgx":    {store.Options{Postgres: storetest.Postgres(t)}, "", goose.DialectPostgres},
	} {
		t.Run(driver, func(t *testing.T) {
			if old.dsn == "" {
				old.dsn = old.Postgres
			}
			r := store.Room{ID: "k7m2q9xw4d", Title: "Old", Owner: "u:ra", Class: "internal", Guests: true, CreatedAt: t0}
			s := must[*store.Store](t)(store.Open(ctx, old.Options))
			ok(t, s.Rooms.Create(ctx, r))
			ok(t, s.Close())
			db := must[*sql.DB](t)(sql.Open(driver, old.dsn))
			back := must[*goose.Provider](t)(goose.NewProvider(old.dialect, db, os.DirFS("migrations"), goose.WithDisableGlobalRegistry(true)))
			_, err := back.DownTo(ctx, 2)
			ok(t, err)
			ok(t, db.Close())
			s = must[*store.Store](t)(store.Open(ctx, old.Options))
			r.Version = 1
			same(t, must[store.Room](t)(s.Rooms.Get(ctx, r.ID)), r)
			r.Screens = 1
			ok(t, s.Rooms.Update(ctx, r))
			r.Version = 2
			same(t, must[store.Room](t)(s.Rooms.Get(ctx, r.ID)), r)
			ok(t, s.Close())
		})
	}
}

func TestOpeningAgainKeepsWhatIsThere(t *testing.T) {
	dsn := t.TempDir() + "/x y/in?camera.db"
	for i := range 2 {
		s, err := store.Open(context.Background(), store.Options{SQLite: dsn})
		ok(t, err)
		n := must[int](t)(s.Users.Count(context.Background()))
		same(t, n, i)
		addUser(t, context.Background(), s, fmt.Sprint("u", i))
		ok(t, s.Close())
	}
}

// Administrators of before there were three kinds: the first may stay alone, the others keep what is the system's.
func TestAdministratorsOfBeforeKeepARole(t *testing.T) {
	ctx := context.Background()
	lite := t.TempDir() + "/old.db"
	for driver, old := range map[string]struct {
		store.Options
		dsn     string
		dialect goose.Dialect
	}{
		"sqlite": {store.Options{SQLite: lite}, "file:" + lite, goose.DialectSQLite3},
		"pgx":    {store.Options{Postgres: storetest.Postgres(t)}, "", goose.DialectPostgres},
	} {
		t.Run(driver, func(t *testing.T) {
			if old.dsn == "" {
				old.dsn = old.Postgres
			}
			s := must[*store.Store](t)(store.Open(ctx, old.Options))
			for i, role := range []string{"system_admin", "sole_admin", "user", "auditor"} {
				id := string(rune('a' + i))
				ok(t, s.Users.Create(ctx, store.User{ID: id, Login: id, Name: id, Role: role, State: store.UserActive, CreatedAt: t0.Add(-time.Duration(i) * time.Hour)}))
			}
			ok(t, s.Close())
			db := must[*sql.DB](t)(sql.Open(driver, old.dsn))
			back := must[*goose.Provider](t)(goose.NewProvider(old.dialect, db, os.DirFS("migrations"), goose.WithDisableGlobalRegistry(true)))
			_, err := back.DownTo(ctx, 8)
			ok(t, err)
			ok(t, db.Close())
			s = must[*store.Store](t)(store.Open(ctx, old.Options))
			for id, want := range map[string]string{"a": "system_admin", "b": "sole_admin", "c": "user", "d": "user"} {
				same(t, must[store.User](t)(s.Users.Get(ctx, id)).Role, want)
			}
			ok(t, s.Close())
		})
	}
}
