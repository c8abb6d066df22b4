package account

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"incamera/auth/internal/storetest"
	"incamera/auth/role"
	"incamera/auth/seal"
	"incamera/auth/store"
)

func TestMailAddressesAreSealedAndFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		keys, err := seal.Start(ctx, seal.Options{Store: s, File: filepath.Join(t.TempDir(), "seal.json")})
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(Options{Store: s, Seal: keys, Cost: Cost{MemoryKiB: 8, Time: 1, Threads: 1}})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"u1", "u2"} {
			if err := s.Users.Create(ctx, store.User{ID: id, Login: id, Name: id, Role: string(role.User), State: store.UserActive}); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := a.Mail(ctx, "u1"); got != "" || err != nil {
			t.Fatal("before:", got, err)
		}
		if err := a.SetMail(ctx, "u1", " Ada@Example.org"); err != nil {
			t.Fatal(err)
		}
		if got, err := a.Mail(ctx, "u1"); got != "ada@example.org" || err != nil {
			t.Fatal(got, err)
		}
		row, err := s.Users.Mail(ctx, "u1")
		if err != nil || strings.Contains(row.Sealed+row.Index, "ada") || strings.Contains(row.Sealed+row.Index, "example") {
			t.Fatalf("%+v, %v", row, err)
		}
		if u, err := a.ByMail(ctx, "ADA@example.org"); err != nil || u.ID != "u1" {
			t.Error(u.ID, err)
		}
		for _, unknown := range []string{"ad@example.org", "", "%", "ada@example.org.evil", "a@b@c"} {
			if u, err := a.ByMail(ctx, unknown); !errors.Is(err, ErrNotFound) {
				t.Errorf("%q: %s %v", unknown, u.ID, err)
			}
		}
		if err := a.SetMail(ctx, "u2", "ada@example.org"); !errors.Is(err, ErrMailTaken) {
			t.Error("taken:", err)
		}
		for _, bad := range []string{"ada", "Ada <ada@example.org>", "a@b c", "a@b\r\nBcc: x@y", strings.Repeat("a", 250) + "@b.org", `"a b"@c.org`} {
			if err := a.SetMail(ctx, "u2", bad); !errors.Is(err, ErrMail) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if err := s.Users.SetMail(ctx, "u1", store.Mail{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Users.SetMail(ctx, "u2", row); err != nil { // a row given to somebody else
			t.Fatal(err)
		}
		if got, err := a.Mail(ctx, "u2"); !errors.Is(err, seal.ErrSealed) || got != "" {
			t.Errorf("moved: %q, %v", got, err)
		}
		if err := a.SetMail(ctx, "u2", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := a.ByMail(ctx, "ada@example.org"); !errors.Is(err, ErrNotFound) {
			t.Error("taken away:", err)
		}
	})
}
