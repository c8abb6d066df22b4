package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"incamera/auth/internal/storetest"
	"incamera/auth/role"
	"incamera/auth/store"
)

var (
	cheap = Cost{MemoryKiB: 8, Time: 1, Threads: 1}
	home  = netip.MustParseAddr("192.0.2.1")
)

const good = "a garden of forking paths"

type world struct {
	*Accounts
	s   *store.Store
	now time.Time
}

func newWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	w := &world{s: storetest.SQLite(t), now: time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)}
	o := Options{Store: w.s, Cost: cheap, Now: func() time.Time { return w.now }}
	for _, c := range change {
		c(&o)
	}
	var err error
	if w.Accounts, err = New(o); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTheFirstAccountNeedsTheSetupTokenAndThereIsOnlyOne(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	if _, err := w.Setup(ctx, "", "ada", "Ada", good); !errors.Is(err, ErrToken) {
		t.Fatal("no token was ever made:", err)
	}
	old, err := w.PrepareSetup(ctx)
	if err != nil || len(old) < 40 {
		t.Fatal(old, err)
	}
	tok, err := w.PrepareSetup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := w.s.Settings.Get(ctx, setupName); v == tok || v == "" {
		t.Error("the token is stored in clear")
	}
	for _, bad := range []string{"", "x", old, tok + "x"} {
		if _, err := w.Setup(ctx, bad, "ada", "Ada", good); !errors.Is(err, ErrToken) {
			t.Errorf("token %q: %v", bad, err)
		}
	}
	var weak *WeakPassword
	if _, err := w.Setup(ctx, tok, "ada", "Ada", "short"); !errors.As(err, &weak) {
		t.Error(err)
	}
	var made atomic.Int32
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if _, err := w.Setup(ctx, tok, fmt.Sprint("ada", i), "Ada L", good); err == nil {
				made.Add(1)
			} else if !errors.Is(err, ErrToken) && !errors.Is(err, ErrSetupDone) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, _ := w.s.Users.Count(ctx); made.Load() != 1 || n != 1 {
		t.Fatal(made.Load(), n)
	}
	if tok, err := w.PrepareSetup(ctx); err != nil || tok != "" {
		t.Error("a second setup was offered", err)
	}
}

func TestSignInSaysTheSameForEveryRefusal(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	u, err := w.Create(ctx, "Ada@Example", "Ada", string(role.User), good)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.Verify(ctx, " ADA@example ", good, home); err != nil || got.ID != u.ID {
		t.Fatal(got, err)
	}
	invited, _, err := w.Invite(ctx, "bob", "Bob", string(role.User))
	if err != nil {
		t.Fatal(err)
	}
	gone, _ := w.Create(ctx, "eve", "Eve", string(role.User), good)
	if err := w.SetDisabled(ctx, gone.ID, true); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"ada@example", good + "x"}, {"nobody", good}, {invited.Login, good}, {invited.Login, ""}, {"eve", good}, {"", ""}, {"a b", good},
		{"ada@example", ""}, {"ada@example", strings.Repeat("x", 1000)}, {"' OR 1=1 --", good}, {"ada@example\x00", good}} {
		if _, err := w.Verify(ctx, c[0], c[1], home); err != ErrCredentials {
			t.Errorf("%q: %v", c, err)
		}
	}
}

func TestGuessingIsSlowedForKnownAndUnknownAlike(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	if _, err := w.Create(ctx, "ada", "Ada", string(role.User), good); err != nil {
		t.Fatal(err)
	}
	answers := map[string][]string{}
	for login, from := range map[string]string{"ada": "198.51.100.1", "nobody": "198.51.100.2"} {
		for range 12 {
			_, err := w.Verify(ctx, login, "wrong password 1", netip.MustParseAddr(from))
			answers[login] = append(answers[login], fmt.Sprint(err))
		}
	}
	if a, b := strings.Join(answers["ada"], "|"), strings.Join(answers["nobody"], "|"); a != b || !strings.Contains(a, "too many attempts") {
		t.Errorf("an oracle:\n%s\n%s", a, b)
	}
	var th *Throttled
	if _, err := w.Verify(ctx, "ada", good, home); !errors.As(err, &th) {
		t.Error("the right password passed while the account waits:", err)
	}
	w.now = w.now.Add(th.Wait)
	if _, err := w.Verify(ctx, "ada", good, home); err != nil {
		t.Error("after the wait:", err)
	}
	// one address, many accounts; neighbours in its /64 are the same
	var wait int
	for i := range 60 {
		_, err := w.Verify(ctx, fmt.Sprint("user", i), "wrong password 1", netip.MustParseAddr(fmt.Sprintf("2001:db8:1:2::%x", i)))
		if errors.As(err, &th) {
			wait++
		}
	}
	if wait < 25 {
		t.Errorf("only %d of 60 guesses from one network waited", wait)
	}
}

func TestInvitationsAreUsedOnceAndEnd(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	u, tok, err := w.Invite(ctx, "bob", "Bob", string(role.User))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Invite(ctx, "BOB", "Bob", string(role.User)); !errors.Is(err, ErrLoginTaken) {
		t.Error(err)
	}
	if _, _, err := w.Invite(ctx, "bob2", "Bob", "king"); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	var weak *WeakPassword
	if _, err := w.AcceptInvite(ctx, tok, "password1234"); !errors.As(err, &weak) {
		t.Error(err)
	}
	again, err := w.Reinvite(ctx, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AcceptInvite(ctx, tok, good); !errors.Is(err, ErrToken) {
		t.Error("the replaced invitation:", err)
	}
	if got, err := w.AcceptInvite(ctx, again, good); err != nil || got.State != store.UserActive {
		t.Fatal(got, err)
	}
	if _, err := w.AcceptInvite(ctx, again, good); !errors.Is(err, ErrToken) {
		t.Error("twice:", err)
	}
	if _, err := w.Verify(ctx, "bob", good, home); err != nil {
		t.Error(err)
	}
	late, tok, _ := w.Invite(ctx, "late", "Late", string(role.User))
	w.now = w.now.Add(7*24*time.Hour + time.Second)
	if _, err := w.AcceptInvite(ctx, tok, good); !errors.Is(err, ErrToken) {
		t.Error("an old invitation:", err)
	}
	tok, _ = w.Reinvite(ctx, late.ID)
	w.SetDisabled(ctx, late.ID, true)
	if _, err := w.AcceptInvite(ctx, tok, good); !errors.Is(err, ErrToken) {
		t.Error("a disabled account came back by its invitation:", err)
	}
}

func TestChangingThePasswordNeedsTheOldOneAndEndsOtherSessions(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	u, _ := w.Create(ctx, "ada", "Ada", string(role.User), good)
	for _, id := range []string{"l1", "l2"} {
		w.s.Logins.Create(ctx, store.Login{ID: id, Hash: id, User: u.ID, State: "full", CreatedAt: w.now, SeenAt: w.now, ExpiresAt: w.now.Add(time.Hour)})
	}
	if err := w.ChangePassword(ctx, u.ID, "wrong", "another fine phrase", "l1"); !errors.Is(err, ErrCredentials) {
		t.Error(err)
	}
	if err := w.ChangePassword(ctx, u.ID, good, "another fine phrase", "l1"); err != nil {
		t.Fatal(err)
	}
	if l, _ := w.s.Logins.Of(ctx, u.ID); len(l) != 1 || l[0].ID != "l1" {
		t.Error(l)
	}
	if _, err := w.Verify(ctx, "ada", good, home); !errors.Is(err, ErrCredentials) {
		t.Error("the old password:", err)
	}
}

func TestWeakPasswordsAreNamed(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.RefusePassword = func(_ context.Context, p string) (bool, error) { return p == "known to be breached", nil }
	})
	for p, want := range map[string]string{
		"short": "too_short", "十一个字的密码不够长啊": "too_short", strings.Repeat("long ", 60): "too_long", "Password1234": "common", "aaaaaaaaaaaa": "common",
		"abcabcabcabcabc": "common", "123456789012": "common", "my login is ada.l!": "contains_name", "known to be breached": "breached", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff": "too_short",
	} {
		var weak *WeakPassword
		if _, err := w.Create(context.Background(), "ada.l", "Lovelace", string(role.User), p); !errors.As(err, &weak) || weak.Reason != want {
			t.Errorf("%q: %v, want %s", p, err, want)
		}
	}
}

func TestHashesAreBoundedAndMadeAnewAtAnotherCost(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	u, _ := w.Create(ctx, "ada", "Ada", string(role.User), good)
	dearer, err := New(Options{Store: w.s, Cost: Cost{MemoryKiB: 16, Time: 1, Threads: 1}, Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dearer.Verify(ctx, "ada", good, home); err != nil {
		t.Fatal(err)
	}
	if got, _ := w.s.Users.Get(ctx, u.ID); !strings.Contains(got.Password, "m=16,") {
		t.Error(got.Password)
	}
	// all slots taken: who waits too long gives up, who comes when too many wait is told so
	w.hasher.slots <- struct{}{}
	w.hasher.slots <- struct{}{}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := w.Verify(short, "ada", good, home); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	w.hasher.maxWait = 0
	if _, err := w.Verify(ctx, "ada", good, home); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if c, _, _, err := parsePHC(s); err == nil && (c.MemoryKiB > maxMemoryKiB || c.Time > maxTime) {
			t.Fatal(c)
		}
	})
}
