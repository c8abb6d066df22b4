package login_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"incamera/auth/login"
	"incamera/auth/token"
)

const mfa, resistant = token.AssuranceMFA, token.AssurancePhishingResistant

func TestAPasskeyAloneIsAFullSession(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	c, s, err := w.BeginFull(ctx, w.u, []string{"hwk", "user"}, netip.MustParseAddr("192.0.2.1"), "")
	if err != nil || s.State != login.Full || !slices.Equal(s.AMR, []string{"hwk", "user", "mfa"}) {
		t.Fatal(s, err)
	}
	s, err = w.Get(ctx, c)
	if class, at := s.Class(); err != nil || class != resistant || at != w.now {
		t.Error(s, err)
	}
	for _, no := range [][]string{nil, {"otp"}, {"pwd"}, {"hwk"}, {"user"}, {"swk", "mfa"}} {
		if _, _, err := w.BeginFull(ctx, w.u, no, netip.Addr{}, ""); err == nil {
			t.Errorf("%v alone signs in", no)
		}
	}
}

func TestWhatADoorAsksIsMetByTheEvidenceOfItsClass(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	c, s, err := w.Elevate(ctx, w.begin(t), "hwk", "user")
	if err != nil {
		t.Fatal(err)
	}
	type want struct {
		class token.Assurance
		ok    bool
	}
	check := func(when string, s login.Session, table map[login.Requirement]want) {
		t.Helper()
		for need, w2 := range table {
			if class, _, ok := w.Meets(s, need); ok != w2.ok || ok && class != w2.class {
				t.Errorf("%s: %+v: %s %v", when, need, class, ok)
			}
		}
	}
	check("with a passkey", s, map[login.Requirement]want{
		{}: {resistant, true}, {Assurance: mfa, MaxAge: time.Hour}: {resistant, true}, {Assurance: resistant, MaxAge: time.Hour}: {resistant, true},
	})
	w.now = w.now.Add(20 * time.Minute)
	if _, s, err = w.Elevate(ctx, c, "otp"); err != nil {
		t.Fatal(err)
	}
	// The code is the fresher one, and only of its own class: it makes no passkey young again.
	check("a code after it", s, map[login.Requirement]want{
		{}: {mfa, true}, {Assurance: mfa, MaxAge: time.Minute}: {mfa, true}, {Assurance: resistant, MaxAge: 21 * time.Minute}: {resistant, true},
		{Assurance: resistant, MaxAge: 10 * time.Minute}: {}, {Assurance: resistant}: {resistant, true},
	})
	_, only, err := w.Elevate(ctx, w.begin(t), "otp")
	if err != nil {
		t.Fatal(err)
	}
	check("a code alone", only, map[login.Requirement]want{{}: {mfa, true}, {Assurance: resistant}: {}, {Assurance: resistant, MaxAge: time.Hour}: {}})
	pending, err := w.Get(ctx, w.begin(t))
	if err != nil {
		t.Fatal(err)
	}
	check("a password alone", pending, map[login.Requirement]want{{}: {}, {Assurance: mfa}: {}, {Assurance: resistant}: {}})
}

func TestTheStricterOfTwoRequirementsHolds(t *testing.T) {
	none, hour := login.Requirement{}, login.Requirement{Assurance: mfa, MaxAge: time.Hour}
	key := login.Requirement{Assurance: resistant, MaxAge: 2 * time.Hour}
	for _, c := range []struct{ a, b, want login.Requirement }{
		{none, none, none}, {none, hour, hour}, {hour, none, hour}, {hour, key, login.Requirement{Assurance: resistant, MaxAge: time.Hour}},
		{key, hour, login.Requirement{Assurance: resistant, MaxAge: time.Hour}},
	} {
		if got := c.a.And(c.b); got != c.want {
			t.Errorf("%+v and %+v: %+v", c.a, c.b, got)
		}
	}
}
