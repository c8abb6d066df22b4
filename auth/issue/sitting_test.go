package issue_test

import (
	"context"
	"testing"
	"time"

	"incamera/auth/issue"
	"incamera/auth/policy"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/streamkey"
	"incamera/auth/token"
)

// What a room demands of those inside, each beside a control that the same person is let be where it is not demanded.
func TestWhoSitsIsJudgedByWhatTheRoomDemandsNow(t *testing.T) {
	w := newWorld(t)
	mfa := issue.Sitter{Assurance: token.AssuranceMFA, FactorAt: w.now.Add(-30 * time.Minute), EnteredAt: w.now.Add(-20 * time.Minute), Own: true}
	guest := issue.Sitter{Assurance: token.AssuranceGuest, Own: true}
	portal := mfa
	portal.Own, portal.Client = false, true
	trusted, framed := portal, portal
	trusted.Trusted, framed.Own = true, true
	camera := issue.Sitter{Assurance: token.AssuranceStreamKey, Publishes: true}
	player := issue.Sitter{Assurance: token.AssuranceStreamKey}
	key := mfa
	key.Assurance = token.AssurancePhishingResistant
	internal := store.Room{Class: roomclass.Internal, Guests: true}
	marked := internal
	marked.Watermark = true
	asks := internal
	asks.ACR = string(token.AssurancePhishingResistant)
	fresh := internal
	fresh.FactorMaxAge = 15 * time.Minute
	since := fresh
	since.RulesAt = w.now.Add(-5 * time.Minute)
	given := mfa
	given.FactorAt = w.now.Add(-time.Minute)
	for name, c := range map[string]struct {
		room store.Room
		who  issue.Sitter
		want policy.Outcome
	}{
		"a guest":                                      {internal, guest, policy.Allow},
		"a guest where none come":                      {store.Room{Class: roomclass.Internal}, guest, policy.Deny},
		"a guest in a secret room":                     {store.Room{Class: roomclass.Secret, Guests: true}, guest, policy.Deny},
		"a portal's person":                            {internal, portal, policy.Allow},
		"a portal's person under a watermark":          {marked, portal, policy.Deny},
		"a trusted portal's person under a watermark":  {marked, trusted, policy.Allow},
		"a portal's person in our own frame":           {marked, framed, policy.Allow},
		"an account under a watermark":                 {marked, mfa, policy.Allow},
		"a camera":                                     {internal, camera, policy.Allow},
		"a camera under a watermark":                   {marked, camera, policy.Allow},
		"a camera in a confidential room":              {store.Room{Class: roomclass.Confidential}, camera, policy.Deny},
		"a player":                                     {internal, player, policy.Allow},
		"a player under a watermark":                   {marked, player, policy.Deny},
		"a code where a passkey is asked for":          {asks, mfa, policy.StepUp},
		"a passkey where one is asked for":             {asks, key, policy.Allow},
		"a factor that was fresh at the door":          {fresh, mfa, policy.Allow},
		"that factor, when the room asks for more":     {since, mfa, policy.StepUp},
		"a factor given since the room asks for more":  {since, given, policy.Allow},
		"a class that nobody knows, which counts most": {store.Room{Class: "x", Guests: true}, guest, policy.Deny},
	} {
		if d := w.Sits(c.room, c.who); d.Outcome != c.want {
			t.Errorf("%s: %s (%s)", name, d.Outcome, d.Reason)
		} else if d.Outcome == policy.StepUp && (d.Need.MaxAge == 0 || d.Late != policy.LateRemove || d.Within <= 0) {
			t.Errorf("%s: asks for nothing: %+v", name, d)
		}
	}
}

// A class that demands end-to-end encryption opens no way in, and keeps nobody, where there is none to be had.
func TestWhereEncryptionIsDemandedAndNotToBeHadNobodyEnters(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	k := w.streamKey(t, streamkey.Publish)
	ways := map[string]func() error{
		"account": func() error {
			_, err := w.ForUser(ctx, issue.UserRequest{Login: w.login(t, "ada", "fresh"), Room: open, Key: key, Address: from})
			return err
		},
		"lobby": func() error {
			_, err := w.LobbyPass(ctx, issue.LobbyRequest{Name: "Maria", Room: open, Key: key, Address: from})
			return err
		},
		"stream": func() error {
			_, err := w.ForStream(ctx, issue.StreamRequest{Secret: k.Secret, Mode: streamkey.Publish, Key: key, Address: from})
			return err
		},
	}
	for name, enter := range ways {
		if err := enter(); err != nil {
			t.Fatalf("control, %s: %v", name, err)
		}
	}
	c := roomclass.Defaults()
	r := c[roomclass.Internal]
	r.Encryption = roomclass.EncryptionRequired
	c[roomclass.Internal] = r
	w.classes(t, c)
	for name, enter := range ways {
		if err := enter(); issue.CodeOf(err) != issue.CodeEncryption {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d := w.Sits(store.Room{Class: roomclass.Internal, Guests: true}, issue.Sitter{Assurance: token.AssuranceGuest}); d.Outcome != policy.Deny {
		t.Errorf("who sits stays: %s", d.Outcome)
	}
	w.o.Encrypts = true
	w.classes(t, c)
	if err := ways["account"](); err != nil {
		t.Error("where it is to be had:", err)
	}
}

func TestDoorsFollowTheRulesOfTheRoom(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	change := func(f func(*store.Room)) {
		t.Helper()
		r, err := w.s.Rooms.Get(ctx, open)
		if err != nil {
			t.Fatal(err)
		}
		f(&r)
		if err := w.s.Rooms.Update(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	account := func() issue.Code {
		_, err := w.ForUser(ctx, issue.UserRequest{Login: w.login(t, "eve", "fresh"), Room: open, Key: key, Address: from})
		return issue.CodeOf(err)
	}
	guest := func() issue.Code {
		_, err := w.LobbyPass(ctx, issue.LobbyRequest{Name: "Maria", Room: open, Key: key, Address: from})
		return issue.CodeOf(err)
	}
	play := func(mode streamkey.Mode) issue.Code {
		_, err := w.StreamKey(ctx, issue.StreamKeyRequest{Login: w.login(t, "ada", "fresh"), Room: open, Label: "x", Mode: mode, Life: time.Hour, Address: from})
		return issue.CodeOf(err)
	}
	if account() != "" || guest() != "" || play(streamkey.Play) != "" || play(streamkey.Publish) != "" {
		t.Fatal("control: the doors of an internal room are shut")
	}
	change(func(r *store.Room) { r.Lobby = string(roomclass.LobbyAlways) })
	if account() != issue.CodeLobbyRequired || guest() != "" {
		t.Error("a room where everybody waits lets people walk in, or turns guests away")
	}
	change(func(r *store.Room) { r.Lobby, r.Watermark = "", true })
	if account() != "" || play(streamkey.Play) != issue.CodeForbidden || play(streamkey.Publish) != "" {
		t.Error("a watermark: a player came in, or somebody else did not")
	}
	c := roomclass.Defaults()
	r := c[roomclass.Internal]
	r.Lobby, r.Guests, r.StreamKeys = roomclass.LobbyNever, false, false
	c[roomclass.Internal] = r
	w.classes(t, c)
	if account() != "" || guest() != issue.CodeForbidden || play(streamkey.Publish) != issue.CodeForbidden {
		t.Error("where nobody waits, a guest or a program has a door")
	}
}
