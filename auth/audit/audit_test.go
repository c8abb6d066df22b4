package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/internal/storetest"
	"incamera/auth/pki"
	"incamera/auth/store"
)

func identity(t testing.TB, role pki.Role) *pki.Identity {
	t.Helper()
	ca, err := pki.CreateCA(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	id, err := ca.Issue("signaling-1", role, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func log(t testing.TB, s *store.Store, id *pki.Identity) *Log {
	t.Helper()
	l, err := New(context.Background(), Options{Store: s, Identity: id, Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWritersOnOneDatabaseMakeOneChain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, id := context.Background(), identity(t, pki.RoleSignaling)
		const writers, each = 4, 10
		var wg sync.WaitGroup
		for w := range writers {
			l := log(t, s, id) // as another process would
			wg.Go(func() {
				for i := range each {
					if err := l.Append(ctx, Event{Actor: fmt.Sprint("u:", w), Verb: "test", Object: fmt.Sprint(i), Result: "ok"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		p, err := Verify(ctx, s, id.Trust())
		if err != nil || p.Seq != writers*each {
			t.Fatalf("%+v, %v", p, err)
		}
		if _, err := VerifyFrom(ctx, s, id.Trust(), Point{p.Seq, p.Hash}); err != nil {
			t.Errorf("kept point: %v", err)
		}
		if _, err := VerifyFrom(ctx, s, id.Trust(), Point{p.Seq + 1, "x"}); err == nil {
			t.Error("a chain cut together with its head passed a kept point")
		}
		if _, err := Verify(ctx, s, identity(t, pki.RoleSignaling).Trust()); err == nil {
			t.Error("another deployment's chain passed")
		}
	})
}

func TestEveryKindOfTamperingIsFound(t *testing.T) {
	const n = 20
	for name, statement := range map[string]string{
		"an actor was changed":       `UPDATE audit SET actor='u:other' WHERE seq=7`,
		"a result was changed":       `UPDATE audit SET result='ok' WHERE seq=7`,
		"a time was changed":         `UPDATE audit SET at=at+1 WHERE seq=7`,
		"details were changed":       `UPDATE audit SET meta='{}' WHERE seq=7`,
		"an address was changed":     `UPDATE audit SET address='' WHERE seq=7`,
		"an entry was deleted":       `DELETE FROM audit WHERE seq=7`,
		"the first was deleted":      `DELETE FROM audit WHERE seq=1`,
		"the last was cut off":       `DELETE FROM audit WHERE seq=20`,
		"all were deleted":           `DELETE FROM audit`,
		"two were swapped":           `UPDATE audit SET seq=CASE seq WHEN -7 THEN 8 ELSE seq END`,
		"a signature was moved":      `UPDATE audit SET signature=(SELECT signature FROM audit WHERE seq=8) WHERE seq=7`,
		"the head was removed":       `DELETE FROM settings WHERE name='audit.head'`,
		"the head was set back":      `UPDATE settings SET value=replace(value, '20 ', '19 ') WHERE name='audit.head'`,
		"the head is nonsense":       `UPDATE settings SET value='x' WHERE name='audit.head'`,
		"a signer was exchanged":     `UPDATE audit_signers SET certificate='AAAA'`,
		"an entry was added by hand": `INSERT INTO audit SELECT 21, at, actor, verb, object, result, address, meta, hash, hash, signer, signature FROM audit WHERE seq=20`,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, id := context.Background(), identity(t, pki.RoleSignaling)
			path := filepath.Join(t.TempDir(), "audit.db")
			s, err := store.Open(ctx, store.Options{SQLite: path})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			l := log(t, s, id)
			for i := range n {
				e := Event{Actor: "u:1", Verb: "room.join", Object: fmt.Sprint(i), Result: "refused", Address: netip.MustParseAddr("192.0.2.1"), Meta: map[string]string{"class": "secret"}}
				if err := l.Append(ctx, e); err != nil {
					t.Fatal(err)
				}
			}
			if p, err := Verify(ctx, s, id.Trust()); err != nil || p.Seq != n {
				t.Fatalf("before: %+v, %v", p, err)
			}
			raw, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			if name == "two were swapped" {
				for _, q := range []string{`UPDATE audit SET seq=-7 WHERE seq=8`, `UPDATE audit SET seq=8 WHERE seq=7`, `UPDATE audit SET seq=7 WHERE seq=-7`} {
					if _, err := raw.Exec(q); err != nil {
						t.Fatal(err)
					}
				}
			} else if _, err := raw.Exec(statement); err != nil {
				t.Fatal(err)
			}
			var broken *Broken
			if _, err := Verify(ctx, s, id.Trust()); !errors.As(err, &broken) {
				t.Errorf("not found: %v", err)
			}
		})
	}
}

func TestAnEntryOfANodeIsNoEntry(t *testing.T) {
	s, id := storetest.SQLite(t), identity(t, pki.RoleNode)
	if err := log(t, s, id).Append(context.Background(), Event{Verb: "test"}); err != nil {
		t.Fatal(err)
	}
	var broken *Broken
	if _, err := Verify(context.Background(), s, id.Trust()); !errors.As(err, &broken) {
		t.Errorf("err = %v", err)
	}
}

func TestTextsStayOneLineAndBounded(t *testing.T) {
	s, id := storetest.SQLite(t), identity(t, pki.RoleSignaling)
	ctx := context.Background()
	err := log(t, s, id).Append(ctx, Event{
		Actor: "u:1\n2026-01-01 admin deleted everything", Verb: "x", Object: strings.Repeat("长", 500), Result: "\xff\x1b[2J",
		Meta: map[string]string{"setup_token": "T0PS3CRET", "why": "\u202eback"},
	})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Audit.After(ctx, 0, 10)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	r := rows[0]
	if strings.Contains(r.Meta, "T0PS3CRET") || strings.Contains(r.Meta, "\u202e") || !strings.Contains(r.Meta, "back") {
		t.Error(r.Meta)
	}
	if strings.ContainsAny(r.Actor+r.Result, "\n\x1b") || len(r.Object) > maxField || !strings.HasSuffix(r.Object, "长") {
		t.Errorf("%+v", r)
	}
	if _, err := Verify(ctx, s, id.Trust()); err != nil {
		t.Error(err)
	}
}

func TestWithoutADatabaseNothingIsOnRecord(t *testing.T) {
	s, id := storetest.SQLite(t), identity(t, pki.RoleSignaling)
	l := log(t, s, id)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Append(ctx, Event{Verb: "x"}); err == nil {
		t.Error("no error")
	}
	if err := l.Append(context.Background(), Event{}); !errors.Is(err, ErrVerb) {
		t.Errorf("err = %v", err)
	}
}
