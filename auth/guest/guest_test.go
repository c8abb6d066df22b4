package guest_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"incamera/auth/guest"
	"incamera/auth/internal/storetest"
	"incamera/auth/seal"
	"incamera/auth/store"
	"incamera/auth/token"
)

const (
	room  = "abcdefghjk"
	other = "zzzzzzzzzz"
)

// clocked is a Links on a real database with a clock that the test moves.
type clocked struct {
	guest.Links
	now time.Time
}

func open(t *testing.T, s *store.Store) *clocked {
	t.Helper()
	ctx, c := context.Background(), &clocked{now: time.Unix(1_800_000_000, 0)}
	keys, err := seal.Start(ctx, seal.Options{Store: s, File: filepath.Join(t.TempDir(), "seal.json")})
	if err != nil {
		t.Fatal(err)
	}
	c.Links = guest.Links{Store: s, Seal: keys, Now: func() time.Time { return c.now }}
	user := store.User{ID: "1", Login: "a@x", Name: "A", Role: "user", State: store.UserActive, CreatedAt: c.now}
	if err := s.Users.Create(ctx, user); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{room, other} {
		if err := s.Rooms.Create(ctx, store.Room{ID: id, Title: "T", Owner: "u:1", Class: "internal", Guests: true, CreatedAt: c.now}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func good() guest.Request {
	return guest.Request{Room: room, Owner: "u:1", Label: "Kim", Mode: guest.Plain, Life: time.Hour, MaxUses: 2}
}

func (c *clocked) issue(t *testing.T, change func(*guest.Request)) (guest.Link, string) {
	t.Helper()
	r := good()
	if change != nil {
		change(&r)
	}
	l, secret, err := c.Issue(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return l, secret
}

func (c *clocked) enter(t *testing.T, l guest.Link) guest.Visit {
	t.Helper()
	v, err := c.Enter(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// refused fails unless the link has the one answer of all links that open nothing.
func (c *clocked) refused(t *testing.T, why, secret, visit string) {
	t.Helper()
	if l, v, err := c.Find(context.Background(), secret, visit); !errors.Is(err, guest.ErrUnknown) || l != (guest.Link{}) || v != (guest.Visit{}) {
		t.Errorf("%s: %+v, %+v, %v", why, l, v, err)
	}
}

func (c *clocked) found(t *testing.T, why, secret, visit string) (guest.Link, guest.Visit) {
	t.Helper()
	l, v, err := c.Find(context.Background(), secret, visit)
	if err != nil {
		t.Fatalf("%s: %v", why, err)
	}
	return l, v
}

func TestALinkOpensUntilItsEndAndForSoManyPeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := open(t, s)
		l, secret := c.issue(t, nil)
		if got, v := c.found(t, "a new link", secret, ""); got.ID != l.ID || got.Room != room || got.Label != "Kim" || v != (guest.Visit{}) {
			t.Fatalf("%+v, %+v", got, v)
		}
		first, second := c.enter(t, l), c.enter(t, l)
		if first.ID == second.ID || first.Secret == second.Secret {
			t.Fatal("two people are one")
		}
		if _, err := c.Enter(context.Background(), l); !errors.Is(err, guest.ErrUnknown) {
			t.Error("a third of two:", err)
		}
		c.refused(t, "used up, somebody new", secret, "")
		if _, v := c.found(t, "used up, one who was here", secret, first.Secret); v.ID != first.ID {
			t.Error("who comes again is somebody else:", v)
		}
		c.now = l.Expires.Add(-time.Millisecond)
		c.found(t, "a moment before its end", secret, second.Secret)
		if ok, err := c.Alive(context.Background(), first.ID); !ok || err != nil {
			t.Error("a moment before its end:", ok, err)
		}
		c.now = l.Expires
		c.refused(t, "at its end", secret, second.Secret)
		if ok, err := c.Alive(context.Background(), first.ID); ok || err != nil {
			t.Error("at its end:", ok, err)
		}
	})
}

func TestARevokedLinkIsOverForEverybody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, c := context.Background(), open(t, s)
		l, secret := c.issue(t, nil)
		_, beside := c.issue(t, nil)
		v := c.enter(t, l)
		if _, err := c.Revoke(ctx, other, l.ID); !errors.Is(err, guest.ErrNotFound) {
			t.Error("revoked from another room:", err)
		}
		c.found(t, "not revoked", secret, "")
		subjects, err := c.Revoke(ctx, room, l.ID)
		if err != nil || len(subjects) != 1 || subjects[0] != guest.Subject(v.ID) {
			t.Fatal(subjects, err)
		}
		c.refused(t, "revoked, somebody new", secret, "")
		c.refused(t, "revoked, one who was here", secret, v.Secret)
		if ok, err := c.Alive(ctx, v.ID); ok || err != nil {
			t.Error("alive after the revocation:", err)
		}
		if _, err := c.Enter(ctx, l); !errors.Is(err, guest.ErrUnknown) {
			t.Error("who found it before enters after:", err)
		}
		if _, err := c.Revoke(ctx, room, l.ID); !errors.Is(err, guest.ErrNotFound) {
			t.Error("revoked twice:", err)
		}
		c.found(t, "the link beside it", beside, "")
		if list, err := c.List(ctx, room); err != nil || len(list) != 1 {
			t.Error(list, err)
		}
	})
}

func TestWhoWasRemovedClosesTheLinkToNewPeopleOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, c := context.Background(), open(t, s)
		l, secret := c.issue(t, func(r *guest.Request) { r.MaxUses = 5 })
		_, beside := c.issue(t, nil)
		out, stays := c.enter(t, l), c.enter(t, l)
		if err := c.Removed(ctx, room, token.ParticipantID(room, guest.Subject(out.ID))); err != nil {
			t.Fatal(err)
		}
		c.refused(t, "somebody new", secret, "")
		c.found(t, "somebody who was here", secret, stays.Secret)
		c.found(t, "another link", beside, "")
		if list, err := c.List(ctx, room); err != nil || len(list) != 2 || list[0].State == list[1].State {
			t.Error(list, err)
		}
	})
}

func TestALinkDiesWithItsMakersRight(t *testing.T) {
	for name, end := range map[string]func(*store.Store, time.Time) error{
		"account disabled": func(s *store.Store, _ time.Time) error {
			return s.Users.SetState(context.Background(), "1", store.UserDisabled)
		},
		"room deleted": func(s *store.Store, now time.Time) error { return s.Rooms.Delete(context.Background(), room, now) },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				c := open(t, s)
				l, secret := c.issue(t, nil)
				v := c.enter(t, l)
				c.found(t, "before", secret, v.Secret)
				if err := end(s, c.now); err != nil {
					t.Fatal(err)
				}
				c.refused(t, "somebody new", secret, "")
				c.refused(t, "one who was here", secret, v.Secret)
				if ok, err := c.Alive(context.Background(), v.ID); ok || err != nil {
					t.Error("alive", err)
				}
			})
		})
	}
}

func TestSecretsAreNotToBeGuessedAndAllWrongOnesAreTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := open(t, s)
		l, secret := c.issue(t, nil)
		seen := map[string]bool{}
		for range 20 { // MaxPerRoom bounds this
			_, one := c.issue(t, nil)
			raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(one, "gl_"))
			if err != nil || len(raw) != 32 || seen[one] || strings.Contains(one, l.ID) {
				t.Fatalf("%q", one)
			}
			seen[one] = true
		}
		v := c.enter(t, l)
		flipped := []byte(secret)
		flipped[10] ^= 1
		for why, bad := range map[string]string{
			"none": "", "the prefix": "gl_", "without it": secret[3:], "cut": secret[:len(secret)-1], "longer": secret + "A", "a bit": string(flipped),
			"a visit's": v.Secret, "its id": l.ID, "zero bytes": "gl_\x00" + secret[4:], "a wildcard": "gl_" + strings.Repeat("%", 43),
			"a quote": "gl_' OR '1'='1" + secret[14:], "huge": "gl_" + strings.Repeat("A", 1<<20), "another spelling of the same bits": respelled(secret),
		} {
			c.refused(t, why, bad, "")
			c.refused(t, why+" with a visit", bad, v.Secret)
		}
		if _, got := c.found(t, "the control", secret, v.Secret); got.ID != v.ID {
			t.Error(got)
		}
		if _, got := c.found(t, "with a visit of nobody", secret, "gv_"+secret[3:]); got != (guest.Visit{}) {
			t.Error("a made-up visit is somebody:", got)
		}
	})
}

// respelled changes the bits of the last letter that base64 does not use.
func respelled(secret string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, secret[len(secret)-1])
	return secret[:len(secret)-1] + string(letters[last^1])
}

func TestAVisitOfOneLinkIsNobodyByAnother(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := open(t, s)
		full, fullSecret := c.issue(t, func(r *guest.Request) { r.MaxUses = 1 })
		v := c.enter(t, full)
		_, freeSecret := c.issue(t, nil)
		if _, got := c.found(t, "an open link", freeSecret, v.Secret); got != (guest.Visit{}) {
			t.Error("known by a visit of another link:", got)
		}
		elsewhere, _ := c.issue(t, func(r *guest.Request) { r.Room = other })
		c.refused(t, "a full link with a visit of another", fullSecret, c.enter(t, elsewhere).Secret)
		c.found(t, "the control", fullSecret, v.Secret)
	})
}

// TestOnlyKeyedHashesAndSealedTextsAreStored reads the tables themselves.
func TestOnlyKeyedHashesAndSealedTextsAreStored(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "incamera.db")
	s, err := store.Open(ctx, store.Options{SQLite: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c := open(t, s)
	l, secret := c.issue(t, func(r *guest.Request) { r.Mode, r.Mail = guest.Mail, "kim@example.org" })
	code, err := c.NewCode(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	v := c.enter(t, l)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := ""
	for _, of := range []string{
		`SELECT id||' '||hash||' '||mail_sealed||' '||code_sealed FROM guest_links`, `SELECT id||' '||hash FROM guest_visits`,
	} {
		var row string
		if err := db.QueryRow(of).Scan(&row); err != nil {
			t.Fatal(err)
		}
		all += row + "\n"
	}
	if !strings.Contains(all, l.ID) || !strings.Contains(all, v.ID) {
		t.Fatal("the control: what is stored was not read")
	}
	for name, hidden := range map[string]string{"secret": secret[3:], "visit": v.Secret[3:], "mail address": "kim@", "code": " " + code} {
		if strings.Contains(all, hidden) {
			t.Errorf("the %s is stored:\n%s", name, all)
		}
	}
	// The hash is keyed: with another key, the same database knows no link.
	foreign, err := seal.Start(ctx, seal.Options{Store: storetest.SQLite(t), File: filepath.Join(t.TempDir(), "other.json")})
	if err != nil {
		t.Fatal(err)
	}
	thief := clocked{Links: guest.Links{Store: s, Seal: foreign, Now: c.Now}}
	thief.refused(t, "with another key", secret, v.Secret)
	c.found(t, "the control", secret, v.Secret)
}

func TestWhatCannotBeIssued(t *testing.T) {
	ctx, c := context.Background(), open(t, storetest.SQLite(t))
	for name, change := range map[string]func(*guest.Request){
		"a label to deceive":      func(r *guest.Request) { r.Label = "a\u202eb" },
		"no mode":                 func(r *guest.Request) { r.Mode = "" },
		"a mode of tomorrow":      func(r *guest.Request) { r.Mode = "sms" },
		"for ever":                func(r *guest.Request) { r.Life = guest.MaxLife + time.Second },
		"no time":                 func(r *guest.Request) { r.Life = 0 },
		"nobody":                  func(r *guest.Request) { r.MaxUses = 0 },
		"a crowd":                 func(r *guest.Request) { r.MaxUses = guest.MaxUses + 1 },
		"mail to nobody":          func(r *guest.Request) { r.Mode = guest.Mail },
		"an address without mail": func(r *guest.Request) { r.Mail = "kim@example.org" },
		"two addresses":           func(r *guest.Request) { r.Mode, r.Mail = guest.Mail, "kim@example.org,eve@example.org" },
		"a header in the address": func(r *guest.Request) { r.Mode, r.Mail = guest.Mail, "kim@example.org\r\nBcc: eve@example.org" },
	} {
		r := good()
		change(&r)
		if _, secret, err := c.Issue(ctx, r); !errors.Is(err, guest.ErrInvalid) || secret != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, ok := range []func(*guest.Request){
		func(r *guest.Request) { r.Life = guest.MinLife }, func(r *guest.Request) { r.Life, r.MaxUses = guest.MaxLife, guest.MaxUses },
		func(r *guest.Request) { r.Label = "" }, func(r *guest.Request) { r.Mode, r.Mail = guest.Mail, " Kim@Example.org" },
	} {
		c.issue(t, ok)
	}
}

func TestARoomHasSoManyLinksHoweverTheyAreAskedFor(t *testing.T) {
	storetest.Twice(t, func(t *testing.T, one, two *store.Store) {
		ctx, c := context.Background(), open(t, one)
		for range guest.MaxPerRoom - 3 {
			c.issue(t, nil)
		}
		var wg sync.WaitGroup
		results := make(chan error, 12)
		for i := range 12 {
			wg.Go(func() {
				links := c.Links
				if links.Store = one; i%2 == 1 {
					links.Store = two
				}
				_, _, err := links.Issue(ctx, good())
				results <- err
			})
		}
		wg.Wait()
		close(results)
		made := 0
		for err := range results {
			if err == nil {
				made++
			} else if !errors.Is(err, guest.ErrTooMany) {
				t.Error(err)
			}
		}
		if made != 3 {
			t.Errorf("%d of 3 were made", made)
		}
		c.issue(t, func(r *guest.Request) { r.Room = other })
		c.now = c.now.Add(time.Hour) // what is over makes room
		c.issue(t, nil)
	})
}
