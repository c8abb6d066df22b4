package api

import (
	"context"
	"strings"
	"testing"
	"time"

	"incamera/auth/mail"
)

const fresh = "seven grey herons wait"

func TestANewPasswordNeedsTheLinkAndTheSecondFactor(t *testing.T) {
	w, box := withMail(t)
	admin := w.admin()
	u := admin.user("zhao", "192.0.2.3")
	must(t, w.accounts.SetMail(context.Background(), u.userID, "zhao@example.org"))
	stranger := w.agent("192.0.2.8")
	stranger.want(204, "", "POST", "/api/v1/password/forgot", fields{"account": "Zhao@example.org"})
	m := box.last(t)
	_, rest, ok := strings.Cut(m.Text, httpsURL+"/reset#")
	link, _, _ := strings.Cut(rest, "\n")
	if m.Kind != mail.Reset || m.To != "zhao@example.org" || !ok || len(link) < 40 {
		t.Fatalf("%+v", m)
	}
	stranger.want(204, "", "POST", "/api/v1/password/forgot", fields{"account": "zhao"}) // a moment ago
	if len(box.got) != 1 {
		t.Error("a second letter at once")
	}
	reset := func(token, code, pass string) reply {
		return stranger.call("POST", "/api/v1/password/reset", fields{"token": token, "code": code, "password": pass})
	}
	for what, c := range map[string]struct{ token, code, pass, want string }{
		"another link": {link[1:] + "A", u.code(), fresh, "reset_invalid"}, "no link": {"", "123456", fresh, "reset_invalid"},
		"no factor": {link, "", fresh, "second_factor_invalid"}, "a wrong one": {link, "00000a", fresh, "second_factor_invalid"},
		"a weak password": {link, "123456", "zhao", "password_weak"},
	} {
		if got := reset(c.token, c.code, c.pass); got.code != c.want {
			t.Errorf("%s: %s", what, got.raw)
		}
	}
	u.want(200, "", "GET", "/api/v1/me", nil) // nothing has changed
	if got := reset(link, u.code(), fresh); got.status != 204 {
		t.Fatal(got.raw)
	}
	if got := reset(link, u.code(), fresh); got.code != "reset_invalid" {
		t.Error("the link is good twice:", got.raw)
	}
	u.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	if got := u.signIn("zhao", password); got.code != "invalid_credentials" {
		t.Error("the old password is good:", got.raw)
	}
	if got := u.signIn("zhao", fresh); got.text("next") != "second_factor" {
		t.Error(got.raw)
	}
	if strings.Contains(w.said(), link) || strings.Contains(w.said(), "zhao@example.org") {
		t.Error("the log tells")
	}
}

func TestWhoAsksForANewPasswordLearnsNothing(t *testing.T) {
	w, box := withMail(t)
	admin := w.admin()
	u := admin.user("zhao", "192.0.2.3")
	must(t, w.accounts.SetMail(context.Background(), u.userID, "zhao@example.org"))
	admin.want(201, "", "POST", "/api/v1/users", fields{"login": "sun", "name": "Sun", "role": "user"})
	stranger := w.agent("192.0.2.8")
	for _, who := range []string{"zhao", "nobody", "lin.yue", "sun", "nobody@example.org", "", "x' OR 1=1 --"} {
		began := time.Now()
		if got := stranger.want(204, "", "POST", "/api/v1/password/forgot", fields{"account": who}); got.raw != "" {
			t.Error(got.raw)
		}
		if took := time.Since(began); took < forgetStep {
			t.Errorf("%q has its answer after %v, before the step of all", who, took)
		}
	}
	if len(box.got) != 1 {
		t.Error(box.got)
	}
	box.full = true
	w.pass(time.Hour)
	stranger.want(204, "", "POST", "/api/v1/password/forgot", fields{"account": "zhao"})
}

func TestAnAdministratorHandsALinkOver(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	u := admin.user("zhao", "192.0.2.3")
	path := "/api/v1/users/" + u.userID + "/reset-link"
	link := admin.want(201, "", "POST", path, fields{}).text("link")
	_, token, _ := strings.Cut(link, "#")
	u.want(403, "forbidden", "POST", path, fields{})
	w.pass(31 * time.Minute)
	stranger := w.agent("192.0.2.8")
	stranger.want(403, "reset_invalid", "POST", "/api/v1/password/reset", fields{"token": token, "code": u.code(), "password": fresh})
	_, token, _ = strings.Cut(admin.want(201, "", "POST", path, fields{}).text("link"), "#")
	admin.want(204, "", "POST", "/api/v1/users/"+u.userID+"/disable", fields{})
	stranger.want(403, "reset_invalid", "POST", "/api/v1/password/reset", fields{"token": token, "code": u.code(), "password": fresh})
	admin.want(409, "conflict", "POST", path, fields{})
}
