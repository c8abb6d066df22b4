package main

import (
	"context"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"incamera/auth/apiclient"
	"incamera/auth/facts"
	"incamera/auth/login"
	"incamera/auth/policy"
	accountrole "incamera/auth/role"
	"incamera/auth/store"
	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/signaling/session"
)

// What a host is told of a person is what this deployment knows: how the person signed in, what vouches, the network.
func TestAHostIsToldHowAWaitingPersonSignedInAndFromWhere(t *testing.T) {
	ctx, now := context.Background(), time.Now()
	s, err := store.Open(ctx, store.Options{SQLite: filepath.Join(t.TempDir(), "db", "incamera.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	sessions, err := login.New(login.Options{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	v := visits{
		people:   &people{store: s, sessions: sessions, registry: apiclient.Registry{Store: s}, facts: &facts.Gatherer{Store: s}},
		networks: policy.Networks{"office": {netip.MustParsePrefix("192.0.2.0/24")}},
		roles:    accountrole.Rules{},
		titles:   map[string]string{"ldap": "directory", "oidc:ministry": "Ministry sign-in"},
	}
	signIn := func(u store.User, l store.Login) string {
		u.ID, u.State, u.CreatedAt = "i_"+u.Login, store.UserActive, now
		if err := s.Users.Create(ctx, u); err != nil {
			t.Fatal(err)
		}
		l.ID, l.Hash, l.User, l.State, l.CreatedAt, l.SeenAt, l.ExpiresAt = "l_"+u.Login, u.Login, u.ID, string(login.Full), now, now, now.Add(time.Hour)
		if err := s.Logins.Create(ctx, l); err != nil {
			t.Fatal(err)
		}
		return l.ID
	}
	office, home := netip.MustParseAddr("::ffff:192.0.2.7"), netip.MustParseAddr("203.0.113.9")
	for _, c := range []struct {
		what string
		pass token.LobbyPass
		addr netip.Addr
		want meeting.Visit
	}{
		{"a guest", token.LobbyPass{}, home, meeting.Visit{Method: "guest", Address: "203.0.113.9"}},
		{"an account here, at the office", token.LobbyPass{Login: signIn(store.User{Login: "ada", Name: "Ada", Role: "user"}, store.Login{AMR: []string{"pwd", "otp"}, MFAAt: now})},
			office, meeting.Visit{Method: "password_code", Network: "office", Address: "192.0.2.7"}},
		{"with a passkey", token.LobbyPass{Login: signIn(store.User{Login: "bob", Name: "Bob", Role: "user"}, store.Login{AMR: []string{"hwk", "user"}, MFAAt: now, ResistantAt: now})},
			office, meeting.Visit{Method: "passkey", Network: "office", Address: "192.0.2.7"}},
		{"of the directory, by a recovery code", token.LobbyPass{Login: signIn(
			store.User{Login: "cid", Name: "Cid", Role: "user", Source: "ldap", Groups: []string{"Treasury", "Bud\u202eget", "C", "D"}}, store.Login{AMR: []string{"pwd", "recovery"}, MFAAt: now})},
			home, meeting.Visit{Method: "password_recovery", Organisation: "Treasury, Budget, C", Via: "directory", Address: "203.0.113.9"}},
		{"of a provider", token.LobbyPass{Login: signIn(
			store.User{Login: "dee", Name: "Dee", Role: "auditor", Source: "oidc:ministry", Groups: []string{"Legal"}},
			store.Login{AMR: []string{"fed", "mfa"}, MFAAt: now, Provider: store.Origin{Name: "ministry", Subject: "x"}})},
			home, meeting.Visit{Method: "provider", Organisation: "Legal", Via: "Ministry sign-in", Address: "203.0.113.9"}},
	} {
		got, err := v.Describe(ctx, session.Visitor{Pass: c.pass, Addr: c.addr})
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.what, got, err, c.want)
		}
	}
	// What cannot be told refuses; nobody is shown as something else.
	if _, err := v.Describe(ctx, session.Visitor{Pass: token.LobbyPass{Login: "l_nobody"}, Addr: home}); err == nil {
		t.Error("somebody whose sign-in is over was described")
	}
	if _, err := v.Describe(ctx, session.Visitor{Pass: token.LobbyPass{Client: "c_nobody"}, Addr: home}); err == nil {
		t.Error("somebody of an unknown client was described")
	}
	for id, want := range map[string]bool{"l_dee": true, "l_ada": false, "": false} {
		if yes, err := v.SeesAddresses(ctx, token.Person{Login: id}); err != nil || yes != want {
			t.Errorf("%q sees addresses: %v, %v", id, yes, err)
		}
	}
}
