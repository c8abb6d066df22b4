package issue_test

import (
	"context"
	"testing"
	"time"

	"incamera/auth/guest"
	"incamera/auth/issue"
	"incamera/auth/store"
	"incamera/auth/token"
)

// invite makes a link of ada's room.
func (w *world) invite(t *testing.T, change func(*issue.GuestLinkRequest)) issue.IssuedGuestLink {
	t.Helper()
	q := issue.GuestLinkRequest{Login: w.login(t, "ada", "fresh"), Room: open, Mode: guest.Plain, Life: 24 * time.Hour, MaxUses: 2, Address: from}
	if change != nil {
		change(&q)
	}
	l, err := w.GuestLink(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (w *world) comes(secret, visit, code string) (issue.InvitedPass, issue.Code) {
	p, err := w.InvitedPass(context.Background(), issue.InvitedRequest{Secret: secret, Visit: visit, Code: code, Name: "Kim", Key: key2, Address: from})
	return p, issue.CodeOf(err)
}

func (w *world) admit(t *testing.T, pass string) (token.Room, issue.Code) {
	t.Helper()
	out, err := w.ForGuest(context.Background(), issue.GuestRequest{Host: w.host(t, "fresh"), Pass: pass, Address: from})
	if err != nil {
		return token.Room{}, issue.CodeOf(err)
	}
	r, err := w.verifier.Room(out.Token)
	if err != nil {
		t.Fatal(err)
	}
	return r, ""
}

func TestWhoComesByALinkIsAGuestWhomAHostAdmits(t *testing.T) {
	w := newWorld(t)
	l := w.invite(t, nil)
	first, code := w.comes(l.Secret, "", "")
	if code != "" || first.Room != open || first.Visit == "" {
		t.Fatalf("%+v %s", first, code)
	}
	if _, err := w.verifier.Room(first.Token); err == nil {
		t.Fatal("a link alone is a room token")
	}
	r, code := w.admit(t, first.Token)
	if code != "" || r.Assurance != token.AssuranceGuest || r.Role != token.RoleParticipant || r.Moderate || r.Sponsor != "u:ada" || r.Login != "" {
		t.Fatalf("%+v %s", r, code)
	}
	again, code := w.comes(l.Secret, first.Visit, "")
	if code != "" || again.Person.Subject != first.Person.Subject || again.Visit != first.Visit {
		t.Fatalf("who comes again is another: %+v %s", again, code)
	}
	second, code := w.comes(l.Secret, "", "")
	if code != "" || second.Person.Subject == first.Person.Subject {
		t.Fatalf("%+v %s", second, code)
	}
	if _, code := w.comes(l.Secret, "", ""); code != issue.CodeGuestLink {
		t.Fatal("a third by a link for two:", code)
	}
	if _, code := w.comes(l.Secret, second.Visit, ""); code != "" {
		t.Fatal("the second does not get in again:", code)
	}
}

// What opens nothing has one answer, whatever is wrong with it.
func TestALinkThatIsOverLetsNobodyInAgain(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(w *world, l issue.IssuedGuestLink){
		"revoked":           func(w *world, l issue.IssuedGuestLink) { _, _ = w.links.Revoke(ctx, open, l.ID) },
		"over":              func(w *world, _ issue.IssuedGuestLink) { w.now = w.now.Add(25 * time.Hour) },
		"its maker is gone": func(w *world, _ issue.IssuedGuestLink) { _ = w.s.Users.SetState(ctx, "ada", store.UserDisabled) },
		"the room is gone":  func(w *world, _ issue.IssuedGuestLink) { _ = w.s.Rooms.Delete(ctx, open, w.now) },
		"no guests any more": func(w *world, _ issue.IssuedGuestLink) {
			r, _ := w.s.Rooms.Get(ctx, open)
			r.Guests = false
			_ = w.s.Rooms.Update(ctx, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			l := w.invite(t, nil)
			p, code := w.comes(l.Secret, "", "")
			if code != "" {
				t.Fatal("control:", code)
			}
			h := w.host(t, "fresh")
			end(w, l)
			if _, code := w.comes(l.Secret, "", ""); code != issue.CodeGuestLink {
				t.Error("somebody new:", code)
			}
			if _, code := w.comes(l.Secret, p.Visit, ""); code != issue.CodeGuestLink {
				t.Error("who came before:", code)
			}
			if out, err := w.ForGuest(ctx, issue.GuestRequest{Host: h, Pass: p.Token, Address: from}); err == nil {
				t.Errorf("who waits is admitted: %+v", out)
			}
		})
	}
	w := newWorld(t)
	for _, secret := range []string{"", "gl_", "gl_AAAA", "gl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "sk_x"} {
		if _, code := w.comes(secret, "", ""); code != issue.CodeGuestLink {
			t.Errorf("%q: %s", secret, code)
		}
	}
}

func TestRemovalAndBanHoldForWhoComesByALink(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	l := w.invite(t, func(q *issue.GuestLinkRequest) { q.MaxUses = 9 })
	bad, _ := w.comes(l.Secret, "", "")
	good, _ := w.comes(l.Secret, "", "")
	if err := w.s.Bans.Add(ctx, store.Ban{Room: open, Subject: bad.Person.Subject, Actor: "u:ada", CreatedAt: w.now}); err != nil {
		t.Fatal(err)
	}
	if err := w.links.Removed(ctx, open, token.ParticipantID(open, bad.Person.Subject)); err != nil {
		t.Fatal(err)
	}
	if _, code := w.comes(l.Secret, bad.Visit, ""); code != issue.CodeBanned {
		t.Error("with the old visit:", code)
	}
	if _, code := w.comes(l.Secret, "", ""); code != issue.CodeGuestLink {
		t.Error("as somebody new:", code)
	}
	if _, code := w.admit(t, bad.Token); code != issue.CodeBanned {
		t.Error("with the pass of before:", code)
	}
	if _, code := w.comes(l.Secret, good.Visit, ""); code != "" {
		t.Error("another by the same link:", code)
	}
	list, err := w.links.List(ctx, open)
	if err != nil || len(list) != 1 || list[0].State != guest.Closed {
		t.Errorf("%+v %v", list, err)
	}
	visit, ok := guest.VisitOf(bad.Person.Subject)
	if _, key := guest.VisitOf(issue.GuestSubject("v_AcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")); !ok || key || visit == "" {
		t.Error("a key is taken for a visit")
	}
}

func TestOnlyHostsOfARoomThatTakesGuestsInvite(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	_ = w.s.Members.Set(ctx, store.Member{Room: open, Subject: "u:bob", Role: "cohost"})
	_ = w.s.Members.Set(ctx, store.Member{Room: open, Subject: "u:eve", Role: "presenter"})
	ask := func(user, room string, change func(*issue.GuestLinkRequest)) issue.Code {
		q := issue.GuestLinkRequest{Login: w.login(t, user, "fresh"), Room: room, Mode: guest.Plain, Life: time.Hour, MaxUses: 1}
		if change != nil {
			change(&q)
		}
		_, err := w.GuestLink(ctx, q)
		return issue.CodeOf(err)
	}
	for name, c := range map[string]struct{ got, want issue.Code }{
		"co-host":          {ask("bob", open, nil), ""},
		"presenter":        {ask("eve", open, nil), issue.CodeForbidden},
		"takes no guests":  {ask("ada", secret, nil), issue.CodeForbidden},
		"no such room":     {ask("ada", "k7m2q9xw4g", nil), issue.CodeNotFound},
		"too long":         {ask("ada", open, func(q *issue.GuestLinkRequest) { q.Life = 31 * 24 * time.Hour }), issue.CodeInvalid},
		"for nobody":       {ask("ada", open, func(q *issue.GuestLinkRequest) { q.MaxUses = 0 }), issue.CodeInvalid},
		"for thousands":    {ask("ada", open, func(q *issue.GuestLinkRequest) { q.MaxUses = 1000 }), issue.CodeInvalid},
		"code without way": {ask("ada", open, func(q *issue.GuestLinkRequest) { q.Mode = guest.Mail }), issue.CodeInvalid},
		"no address": {ask("ada", open, func(q *issue.GuestLinkRequest) {
			q.Mode, q.Mail = guest.Mail, "kim@example.org\r\nBcc: eve@example.org"
		}), issue.CodeInvalid},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
	for range guest.MaxPerRoom - 1 {
		ask("ada", open, nil)
	}
	if code := ask("ada", open, nil); code != issue.CodeLimit {
		t.Error("one more than there may be:", code)
	}
}

func TestACodeIsGoodOnceForTenMinutesAndFiveTries(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	l := w.invite(t, func(q *issue.GuestLinkRequest) {
		q.Mode, q.Mail, q.MaxUses = guest.Mail, "Kim@Example.org", 9
	})
	code := func() string {
		t.Helper()
		w.now = w.now.Add(guest.CodePause)
		c, err := w.links.NewCode(ctx, l.Link)
		if err != nil || len(c) != 6 {
			t.Fatal(c, err)
		}
		return c
	}
	wrong := func(c string) string { return map[bool]string{true: "000001", false: "000000"}[c == "000000"] }
	refused := func(what, c string) {
		t.Helper()
		if p, got := w.comes(l.Secret, "", c); got != issue.CodeGuestCode || p.Token != "" {
			t.Errorf("%s: %q", what, got)
		}
	}
	refused("none is awaited", "123456")
	c := code()
	if _, err := w.links.NewCode(ctx, l.Link); err != guest.ErrSoon {
		t.Error("two codes at once:", err)
	}
	refused("no code", "")
	refused("wrong", wrong(c))
	p, got := w.comes(l.Secret, "", c)
	if got != "" {
		t.Fatal(got)
	}
	refused("used", c)
	if _, got := w.comes(l.Secret, p.Visit, ""); got != "" {
		t.Error("who gave it has to again:", got)
	}
	c = code()
	w.now = w.now.Add(guest.CodeLife)
	refused("over", c)
	old := code()
	c = code()
	if old != c {
		refused("the one before", old)
	}
	for range 4 {
		refused("wrong", wrong(c))
	}
	refused("right at the sixth try", c)
	c = code()
	for range 5 {
		refused("wrong", wrong(c))
	}
	if _, got := w.comes(l.Secret, "", code()); got != issue.CodeGuestLink {
		t.Error("ten wrong codes do not lock the link:", got)
	}
	if _, got := w.comes(l.Secret, p.Visit, ""); got != "" {
		t.Error("who came before is locked out by others' guesses:", got)
	}
	list, err := w.links.List(ctx, open)
	if err != nil || list[0].State != guest.Locked || list[0].Mail != "kim@example.org" {
		t.Errorf("%+v %v", list, err)
	}
	row, err := w.s.Guests.Get(ctx, l.ID)
	if err != nil || row.Mail == "" || row.Mail == "kim@example.org" || row.Hash == l.Secret {
		t.Errorf("%+v %v", row, err)
	}
}

func TestACodeForVoiceIsSeenByTheHosts(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	l := w.invite(t, func(q *issue.GuestLinkRequest) { q.Mode = guest.Voice })
	c, err := w.links.NewCode(ctx, l.Link)
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.links.List(ctx, open)
	if err != nil || list[0].Code != c {
		t.Fatalf("%+v %v", list, err)
	}
	if _, code := w.comes(l.Secret, "", c); code != "" {
		t.Fatal(code)
	}
	if list, _ = w.links.List(ctx, open); list[0].Code != "" {
		t.Error("a used code is shown")
	}
}

func TestRoomsThatSayItTakeInvitedGuestsOnly(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.invitedOnly = true
	_, err := w.LobbyPass(ctx, issue.LobbyRequest{Room: open, Name: "Guest", Key: key})
	if issue.CodeOf(err) != issue.CodeInvitation {
		t.Error(err)
	}
	if p, code := w.comes(w.invite(t, nil).Secret, "", ""); code != "" || p.Room != open {
		t.Error(p, code)
	}
	if _, err := w.LobbyPass(ctx, issue.LobbyRequest{Room: open, Login: w.login(t, "bob", "fresh"), Key: key}); err != nil {
		t.Error("somebody with an account:", err)
	}
}
