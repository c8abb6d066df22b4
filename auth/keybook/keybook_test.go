package keybook_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"incamera/auth/internal/storetest"
	"incamera/auth/keybook"
	"incamera/auth/pki"
	"incamera/auth/store"
	"incamera/auth/token"
)

const (
	aud  = "https://meet.example"
	room = "k7m2q9xw4d"
	jkt  = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

var ctx = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// instance is a signaling process; several share a book, and each has a clock of its own.
type instance struct {
	*token.Minter
	*token.Verifier
	keys *token.Keys
	skew time.Duration
}

type world struct {
	t    *testing.T
	book keybook.Book
	ca   *pki.CA
	node *token.Verifier

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock(skew time.Duration) func() time.Time {
	return func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now.Add(skew)
	}
}

func (w *world) pass(d time.Duration) { w.mu.Lock(); w.now = w.now.Add(d); w.mu.Unlock() }

func newWorld(t *testing.T, s *store.Store) *world {
	w := &world{t: t, book: keybook.Book{Store: s}, now: time.Now().UTC().Truncate(time.Second)}
	var err error
	w.ca, err = pki.CreateCA(t.TempDir(), "example")
	must(t, err)
	w.node, err = token.NewVerifier(token.Options{Trust: w.ca.Trust(), Now: w.clock(0)})
	must(t, err)
	return w
}

func (w *world) start(id string, skew time.Duration) *instance {
	w.t.Helper()
	identity, err := w.ca.Issue(id, pki.RoleSignaling, w.now, 90*24*time.Hour)
	must(w.t, err)
	i := &instance{skew: skew}
	i.keys, err = token.NewKeys(ctx, token.KeysOptions{Identity: identity, Book: w.book, Now: w.clock(skew)})
	must(w.t, err)
	o := token.Options{Identity: identity, Trust: w.ca.Trust(), Keys: i.keys, Revoked: i.keys.Revoked, Audience: aud, Now: w.clock(skew)}
	i.Minter, err = token.NewMinter(o)
	must(w.t, err)
	i.Verifier, err = token.NewVerifier(o)
	must(w.t, err)
	return i
}

func (i *instance) room(t *testing.T) string {
	t.Helper()
	s, err := i.MintRoom(token.Room{Room: room, Participant: token.ParticipantID(room, "u:ada"), Key: jkt, Person: token.Person{
		Subject: "u:ada", Name: "Ada", Role: token.RoleHost, Assurance: token.AssuranceMFA, Publish: token.AllKinds(), Moderate: true}})
	must(t, err)
	return s
}

func (i *instance) grant(t *testing.T) string {
	t.Helper()
	s, err := i.MintGrant(token.Grant{Room: room, Meeting: "m1", Participant: token.ParticipantID(room, "u:ada"), Session: "s_1", Number: 1, Node: "n1", Placement: 1})
	must(t, err)
	return s
}

func (i *instance) kid(t *testing.T) string {
	t.Helper()
	k, err := i.keys.Current()
	must(t, err)
	return k.Public().Kid
}

func (w *world) published(kid string) bool {
	w.t.Helper()
	set, err := w.book.Document(ctx, w.clock(0)())
	must(w.t, err)
	for _, k := range set.Keys {
		if k.Kid == kid {
			return true
		}
	}
	return false
}

// Three weeks of two instances whose clocks differ: every key is in the document a lead before it signs, every token is
// good on both instances and every grant on the node, and nobody ever waits.
func TestKeysRotateByThemselvesAndAreKnownBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		a, b := w.start("s1", 0), w.start("s2", 3*time.Second)
		seen, since := map[string]bool{}, map[string]time.Time{}
		for step := 0; step < 22*24; step++ {
			must(t, a.keys.Look(ctx))
			must(t, b.keys.Look(ctx))
			list, err := w.book.List(ctx, w.clock(0)())
			must(t, err)
			for _, k := range list {
				if since[k.Kid].IsZero() {
					since[k.Kid] = w.clock(0)()
				}
			}
			for _, i := range []*instance{a, b} {
				kid := i.kid(t)
				if !seen[kid] && len(seen) >= 2 && w.clock(0)().Sub(since[kid]) < 10*time.Minute {
					t.Fatalf("%s signs, and was published %v ago", kid, w.clock(0)().Sub(since[kid]))
				}
				seen[kid] = true
				for _, j := range []*instance{a, b} {
					if _, err := j.Room(i.room(t)); err != nil {
						t.Fatalf("hour %d: %v", step, err)
					}
				}
				if _, err := w.node.Grant(i.grant(t)); err != nil {
					t.Fatalf("hour %d: the node: %v", step, err)
				}
			}
			w.pass(20 * time.Minute)
			must(t, a.keys.Look(ctx))
			must(t, b.keys.Look(ctx))
			w.pass(40 * time.Minute)
		}
		if len(seen) != 8 { // four each: one at the start, and one a week
			t.Errorf("%d keys in 22 days", len(seen))
		}
		must(t, w.book.Sweep(ctx, w.clock(0)()))
		if list, _ := w.book.List(ctx, w.clock(0)()); len(list) > 6 {
			t.Errorf("%d keys are kept", len(list))
		}
	})
}

// Whoever keeps a key after its turn signs for nobody: not with the time of now, and not with one of then.
func TestARetiredKeyIsRefused(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	a := w.start("s1", 0)
	identity, err := w.ca.Issue("s9", pki.RoleSignaling, w.now, 90*24*time.Hour)
	must(t, err)
	stolen, err := identity.NewKey(pki.Window{From: w.now, Until: w.now.Add(time.Hour)})
	must(t, err)
	forge := func(iat time.Time, life time.Duration) string {
		parts := strings.Split(a.room(t), ".")
		raw, err := jose.ParseSignedCompact(strings.Join(parts, "."), []jose.SignatureAlgorithm{jose.EdDSA})
		must(t, err)
		var claims map[string]any
		must(t, json.Unmarshal(raw.UnsafePayloadWithoutVerification(), &claims))
		claims["iat"], claims["exp"] = iat.Unix(), iat.Add(life).Unix()
		s, err := stolen.Sign(token.TypeRoom, claims)
		must(t, err)
		return s
	}
	now := w.clock(0)
	if _, err := a.Room(forge(now(), time.Minute)); err != nil {
		t.Fatal("control: in its window a key signs:", err)
	}
	if _, err := a.Room(forge(now().Add(-time.Second), time.Minute)); token.CodeOf(err) != token.CodeKey {
		t.Error("from before the window:", err)
	}
	w.pass(time.Hour + time.Second)
	if _, err := a.Room(forge(now(), time.Minute)); token.CodeOf(err) != token.CodeKey {
		t.Error("retired, with the time of now:", err)
	}
	if _, err := a.Room(forge(now().Add(-2*time.Second), time.Minute)); err != nil {
		t.Error("control: what was made in the window lives its minute:", err)
	}
	w.pass(time.Minute)
	if _, err := a.Room(forge(now().Add(-time.Minute-2*time.Second), time.Minute)); token.CodeOf(err) != token.CodeExpired {
		t.Error("retired, with the time of then:", err)
	}
	if _, err := a.Room(forge(now().Add(-time.Minute-2*time.Second), 24*time.Hour)); token.CodeOf(err) != token.CodeLifetime {
		t.Error("retired, with a long life:", err)
	}
}

func TestARevokedKeyIsRefusedOnAllInstancesAndReplaced(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		a, b := w.start("s1", 0), w.start("s2", 0)
		old, kid := a.room(t), a.kid(t)
		if _, err := b.Room(old); err != nil {
			t.Fatal(err)
		}
		must(t, w.book.Revoke(ctx, kid, w.now))
		if err := w.book.Revoke(ctx, kid, w.now); !errors.Is(err, keybook.ErrNotFound) {
			t.Error("twice:", err)
		}
		if w.published(kid) {
			t.Error("a revoked key is in the document")
		}
		must(t, b.keys.Look(ctx))
		must(t, a.keys.Look(ctx))
		for _, i := range []*instance{a, b} {
			if _, err := i.Room(old); token.CodeOf(err) != token.CodeKey {
				t.Error("revoked:", err)
			}
			if _, err := i.Room(a.room(t)); err != nil {
				t.Error("its successor:", err)
			}
		}
		if fresh := a.kid(t); fresh == kid || !w.published(fresh) {
			t.Error("the successor is not published")
		}
		must(t, w.book.Revoke(ctx, "", w.now))
		kept := b.room(t)
		must(t, a.keys.Look(ctx))
		must(t, b.keys.Look(ctx))
		if _, err := a.Room(kept); token.CodeOf(err) != token.CodeKey {
			t.Error("all were revoked:", err)
		}
		c := w.start("s3", 0)
		if _, err := c.Room(kept); token.CodeOf(err) != token.CodeKey {
			t.Error("an instance that started later:", err)
		}
		if _, err := c.Room(b.room(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestRenewalOnOrder(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	a := w.start("s1", 0)
	old, before := a.room(t), a.kid(t)
	w.pass(time.Second)
	must(t, w.book.Renew(ctx, w.clock(0)()))
	must(t, a.keys.Look(ctx))
	if a.kid(t) != before {
		t.Error("a new key signs before it could be known")
	}
	if list, _ := w.book.List(ctx, w.clock(0)()); len(list) != 2 {
		t.Errorf("%d keys published", len(list))
	}
	if _, err := a.Room(old); err != nil {
		t.Error(err)
	}
	w.pass(token.KeyLead)
	if a.kid(t) == before {
		t.Error("not renewed")
	}
	must(t, a.keys.Look(ctx))
	if list, _ := w.book.List(ctx, w.clock(0)()); len(list) != 2 {
		t.Errorf("the order was followed twice: %d keys", len(list))
	}
}

// An outage of the database leaves everybody with keys that sign and verify.
func TestKeysOutliveTheBook(t *testing.T) {
	s := storetest.SQLite(t)
	w := newWorld(t, s)
	a, b := w.start("s1", 0), w.start("s2", 0)
	must(t, s.Close())
	for range 40 {
		w.pass(6 * time.Hour)
		if err := a.keys.Look(ctx); err == nil {
			t.Fatal("control: the book was there")
		}
		if _, err := b.Room(a.room(t)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheDocumentHoldsPublicKeysThatVerifyTokens(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	a := w.start("s1", 0)
	set, err := w.book.Document(ctx, w.now)
	must(t, err)
	data, err := json.Marshal(set)
	must(t, err)
	if strings.Contains(string(data), `"d"`) {
		t.Fatal("a private key:", string(data))
	}
	var portal jose.JSONWebKeySet
	must(t, json.Unmarshal(data, &portal))
	jws, err := jose.ParseSignedCompact(a.room(t), []jose.SignatureAlgorithm{jose.EdDSA})
	must(t, err)
	keys := portal.Key(jws.Signatures[0].Protected.KeyID)
	if len(keys) != 1 || !keys[0].IsPublic() {
		t.Fatalf("%d keys", len(keys))
	}
	if _, err := jws.Verify(keys[0]); err != nil {
		t.Error(err)
	}
}
