package streamkey_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"incamera/auth/internal/storetest"
	"incamera/auth/store"
	"incamera/auth/streamkey"
)

const room = "abcdefghjk"

// clocked is a Keys on a real database with a clock that the test moves.
type clocked struct {
	streamkey.Keys
	now time.Time
}

func open(t *testing.T, s *store.Store) *clocked {
	t.Helper()
	c := &clocked{now: time.Unix(1_800_000_000, 0)}
	c.Keys = streamkey.Keys{Store: s, Now: func() time.Time { return c.now }}
	user := store.User{ID: "1", Login: "a@x", Name: "A", Role: "user", State: store.UserActive, CreatedAt: c.now}
	if err := s.Users.Create(context.Background(), user); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{room, "zzzzzzzzzz"} {
		if err := s.Rooms.Create(context.Background(), store.Room{ID: id, Title: "T", Owner: "u:1", Class: "internal", CreatedAt: c.now}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func good() streamkey.Request {
	return streamkey.Request{Room: room, Owner: "u:1", Label: "Courtroom 4", Mode: streamkey.Publish, Life: time.Hour}
}

func TestAKeyOpensUntilItIsOverOrRevoked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, c := context.Background(), open(t, s)
		k, secret, err := c.Issue(ctx, good())
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Redeem(ctx, secret)
		if err != nil || got.ID != k.ID || got.Room != room || got.Mode != streamkey.Publish || got.Owner != "u:1" || got.Label != "Courtroom 4" {
			t.Fatalf("%+v, %v", got, err)
		}
		if list, err := c.List(ctx, room); err != nil || len(list) != 1 || !list[0].Used.Equal(c.now) {
			t.Fatalf("%+v, %v", list, err)
		}
		if row, err := s.StreamKeys.Get(ctx, k.ID); err != nil || strings.Contains(secret, row.Hash) {
			t.Fatal("the secret is stored", err)
		}
		c.now = c.now.Add(time.Hour - time.Second)
		if _, err := c.Redeem(ctx, secret); err != nil {
			t.Error("before its end:", err)
		}
		c.now = c.now.Add(time.Second)
		if _, err := c.Redeem(ctx, secret); !errors.Is(err, streamkey.ErrUnknown) {
			t.Error("after its end:", err)
		}
		if ok, err := c.Alive(ctx, k.ID); ok || err != nil {
			t.Error("alive after its end", err)
		}
		k, secret, _ = c.Issue(ctx, good())
		if err := c.Revoke(ctx, "zzzzzzzzzz", k.ID); !errors.Is(err, streamkey.ErrNotFound) {
			t.Error("revoked by another room:", err)
		}
		if err := c.Revoke(ctx, room, k.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Redeem(ctx, secret); !errors.Is(err, streamkey.ErrUnknown) {
			t.Error("after the revocation:", err)
		}
		if ok, _ := c.Alive(ctx, k.ID); ok {
			t.Error("alive after the revocation")
		}
		if err := c.Revoke(ctx, room, k.ID); !errors.Is(err, streamkey.ErrNotFound) {
			t.Error("revoked twice:", err)
		}
	})
}

func TestAKeyDiesWithItsOwnersRight(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(*store.Store) error{
		"account disabled": func(s *store.Store) error { return s.Users.SetState(ctx, "1", store.UserDisabled) },
		"room deleted":     func(s *store.Store) error { return s.Rooms.Delete(ctx, room, time.Now()) },
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, storetest.SQLite(t))
			k, secret, _ := c.Issue(ctx, good())
			if err := end(c.Store); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Redeem(ctx, secret); !errors.Is(err, streamkey.ErrUnknown) {
				t.Error("redeemed:", err)
			}
			if ok, err := c.Alive(ctx, k.ID); ok || err != nil {
				t.Error("alive", err)
			}
		})
	}
	c := open(t, storetest.SQLite(t))
	for subject, want := range map[string]bool{"u:1": true, "u:2": false, "c:portal": false, "g:guest": false} {
		if ok, err := streamkey.Answers(ctx, c.Store, subject, room); ok != want || err != nil {
			t.Errorf("%s answers: %v, %v", subject, ok, err)
		}
	}
}

func TestWrongSecretsAreAllTheSame(t *testing.T) {
	ctx, c := context.Background(), open(t, storetest.SQLite(t))
	k, secret, _ := c.Issue(ctx, good())
	_, other, _ := c.Issue(ctx, good())
	tail := other[strings.LastIndex(other[:len(other)-43], "_"):]
	for name, s := range map[string]string{
		"empty": "", "no prefix": secret[3:], "cut": secret[:len(secret)-1], "longer": secret + "A", "another's": "sk_" + k.ID + tail,
		"unknown": "sk_kxxxx_" + secret[len(secret)-43:], "only the id": "sk_" + k.ID, "huge": strings.Repeat("sk_", 1000), "zero bytes": "sk_" + k.ID + "_\x00",
	} {
		if got, err := c.Redeem(ctx, s); !errors.Is(err, streamkey.ErrUnknown) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestWhatCannotBeIssued(t *testing.T) {
	ctx, c := context.Background(), open(t, storetest.SQLite(t))
	for name, change := range map[string]func(*streamkey.Request){
		"no label":           func(r *streamkey.Request) { r.Label = "" },
		"a label to deceive": func(r *streamkey.Request) { r.Label = "a\u202eb" },
		"no mode":            func(r *streamkey.Request) { r.Mode = "" },
		"both modes":         func(r *streamkey.Request) { r.Mode = "publish,play" },
		"for ever":           func(r *streamkey.Request) { r.Life = streamkey.MaxLife + time.Second },
		"no time":            func(r *streamkey.Request) { r.Life = 0 },
	} {
		r := good()
		change(&r)
		if _, secret, err := c.Issue(ctx, r); !errors.Is(err, streamkey.ErrInvalid) || secret != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	var wg sync.WaitGroup
	for range streamkey.MaxPerRoom + 10 {
		wg.Go(func() { _, _, _ = c.Issue(ctx, good()) })
	}
	wg.Wait()
	if list, err := c.List(ctx, room); err != nil || len(list) != streamkey.MaxPerRoom {
		t.Errorf("%d keys, %v", len(list), err)
	}
	c.now = c.now.Add(2 * time.Hour) // those are over and make room
	if _, _, err := c.Issue(ctx, good()); err != nil {
		t.Error(err)
	}
}

func FuzzRedeem(f *testing.F) {
	f.Add("sk_k_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("sk__")
	f.Add("sk_a_b_c")
	s := storetest.SQLite(f)
	f.Fuzz(func(t *testing.T, secret string) {
		if _, err := (streamkey.Keys{Store: s}).Redeem(context.Background(), secret); !errors.Is(err, streamkey.ErrUnknown) {
			t.Fatalf("%q: %v", secret, err)
		}
	})
}
