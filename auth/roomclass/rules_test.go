package roomclass_test

import (
	"slices"
	"testing"
	"time"

	"incamera/auth/login"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/token"
)

func TestTheDefaultsAreWholeAndRise(t *testing.T) {
	c := roomclass.Defaults()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	names := roomclass.Names()
	for i, name := range names[1:] {
		if loose := roomclass.Looser(c[names[i]], c[name]); len(loose) > 0 {
			t.Errorf("%s demands less than %s of %v", name, names[i], loose)
		}
	}
	if len(roomclass.Looser(c[roomclass.Secret], c[roomclass.Open])) == 0 {
		t.Error("control: an open room is as strict as a secret one")
	}
}

func TestRulesThatContradictThemselvesAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*roomclass.Rules){
		"a lobby nobody knows":        func(r *roomclass.Rules) { r.Lobby = "sometimes" },
		"guests where nobody waits":   func(r *roomclass.Rules) { r.Lobby = roomclass.LobbyNever },
		"a watermark on any page":     func(r *roomclass.Rules) { r.Portals = roomclass.PortalsAny },
		"an encryption nobody knows":  func(r *roomclass.Rules) { r.Encryption = "maybe" },
		"an assurance nobody gives":   func(r *roomclass.Rules) { r.Factor.Assurance = "password" },
		"a maker with no such role":   func(r *roomclass.Rules) { r.Create = []string{"root"} },
		"portals nobody knows":        func(r *roomclass.Rules) { r.Portals = "ours" },
		"no lobby at all":             func(r *roomclass.Rules) { r.Lobby = "" },
		"control: nothing is spoiled": func(*roomclass.Rules) {},
	} {
		c := roomclass.Defaults()
		r := c[roomclass.Confidential]
		spoil(&r)
		c[roomclass.Confidential] = r
		if err := c.Validate(); (err == nil) != (name == "control: nothing is spoiled") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := roomclass.Defaults()
	delete(c, roomclass.Open)
	if c.Validate() == nil {
		t.Error("a class without rules")
	}
}

// A room asks for more than its class, and never for less.
func TestARoomOnlyTightens(t *testing.T) {
	c := roomclass.Defaults()
	guarded := c[roomclass.Confidential]
	guarded.Factor = login.Requirement{Assurance: token.AssurancePhishingResistant, MaxAge: 5 * time.Minute}
	c[roomclass.Confidential] = guarded
	for _, class := range append(roomclass.Names(), "no such class") {
		for _, m := range []store.Room{
			{}, {Guests: true}, {Lobby: "never"}, {Lobby: "guests", Guests: true}, {Lobby: "always"}, {Watermark: true}, {Lobby: "nonsense", ACR: "nonsense"},
			{ACR: "mfa", FactorMaxAge: time.Hour}, {ACR: "phishing_resistant", FactorMaxAge: time.Minute},
		} {
			m.Class = class
			rules, known := c[class]
			if !known {
				rules = c[roomclass.Secret]
			}
			if loose := roomclass.Looser(rules, c.Of(m)); len(loose) > 0 {
				t.Errorf("%s, %+v: less of %v", class, m, loose)
			}
		}
	}
	asks := c.Of(store.Room{Class: roomclass.Open, Lobby: "always", Watermark: true, ACR: "phishing_resistant", FactorMaxAge: time.Minute})
	want := roomclass.Rules{
		Factor: login.Requirement{Assurance: token.AssurancePhishingResistant, MaxAge: time.Minute}, Lobby: roomclass.LobbyAlways,
		Encryption: roomclass.EncryptionOptional, Watermark: true, Recording: true, StreamKeys: true, Portals: roomclass.PortalsTrusted,
	}
	if loose := append(roomclass.Looser(want, asks), roomclass.Looser(asks, want)...); len(loose) > 0 {
		t.Errorf("what the room asks for is not asked: %v", loose)
	}
}

func TestWhatIsLooser(t *testing.T) {
	c := roomclass.Defaults()
	secret, open := c[roomclass.Secret], c[roomclass.Open]
	secret.Encryption = roomclass.EncryptionRequired
	got := roomclass.Looser(secret, open)
	want := []string{"lobby", "guests", "e2ee", "watermark", "recording", "stream_keys", "portals"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	closed := open
	closed.Lobby, closed.Guests = roomclass.LobbyNever, false
	if loose := roomclass.Looser(open, closed); len(loose) > 0 {
		t.Errorf("a room that guests cannot enter any more counts as looser in %v", loose)
	}
}

func TestWhoMakesRoomsOfAClass(t *testing.T) {
	secret := roomclass.Defaults()[roomclass.Secret]
	for who, may := range map[string]bool{"organiser": true, "sole_admin": true, roomclass.Program: true, "user": false, "system_admin": false, "": false} {
		if secret.MayCreate(who) != may {
			t.Errorf("%q: %v", who, !may)
		}
	}
	if !(roomclass.Rules{}).MayCreate("user") {
		t.Error("without a list everybody may")
	}
}
