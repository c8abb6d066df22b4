package api

import (
	"context"
	"slices"
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

const resetOptions, resetPath = "/api/v1/password/reset/passkey/options", "/api/v1/password/reset"

// linkFor is a link for a new password, as it comes by mail.
func linkFor(t *testing.T, w *world, box *mailbox, account string) string {
	t.Helper()
	w.agent("192.0.2.88").want(204, "", "POST", "/api/v1/password/forgot", fields{"account": account})
	_, rest, ok := strings.Cut(box.last(t).Text, httpsURL+"/reset#")
	link, _, _ := strings.Cut(rest, "\n")
	if !ok || len(link) < 40 {
		t.Fatal("no link was mailed")
	}
	return link
}

func TestAPasskeyIsTheSecondFactorOfANewPassword(t *testing.T) {
	w, box := withMail(t)
	lin := w.agent("192.0.2.1") // who has a passkey, and no app
	lin.want(201, "", "POST", "/api/v1/setup", fields{"token": w.setup, "login": "lin.yue", "name": "Lin Yue", "password": password})
	d, _ := lin.passkey("Laptop")
	id, _ := lin.want(200, "", "GET", "/api/v1/me", nil).body["user"].(map[string]any)["id"].(string)
	must(t, w.accounts.SetMail(context.Background(), id, "lin@example.org"))
	link := linkFor(t, w, box, "lin.yue")

	b := w.agent("192.0.2.8")
	ask := func() reply { return b.want(200, "", "POST", resetOptions, fields{"token": link}) }
	if raw := ask().raw; strings.Contains(raw, "allowCredentials") || strings.Contains(raw, id) {
		t.Error("the link tells which passkeys the person has:", raw)
	}
	reset := func(token string, answer fields, pass string) reply {
		return b.call("POST", resetPath, fields{"token": token, "passkey": answer, "password": pass})
	}
	zhao := lin.user("zhao", "192.0.2.3")
	other, _ := zhao.passkey("Phone")
	must(t, w.accounts.SetMail(context.Background(), zhao.userID, "zhao@example.org"))
	theirs := linkFor(t, w, box, "zhao")

	b.want(403, "reset_invalid", "POST", resetOptions, fields{"token": link[1:] + "A"})
	b.want(403, "second_factor_invalid", "POST", resetPath, fields{"token": link, "code": "123456", "password": fresh}) // a code: there is no app
	b.want(400, "bad_request", "POST", resetPath, fields{"token": link, "code": "123456", "passkey": d.answer(t, ask()), "password": fresh})
	for what, c := range map[string]struct {
		answer func() fields
		want   string
	}{
		"another person's":        {func() fields { return other.answer(t, ask()) }, "passkey_refused"},
		"for another link":        {func() fields { return d.answer(t, b.want(200, "", "POST", resetOptions, fields{"token": theirs})) }, "ceremony_over"},
		"for a sign-in":           {func() fields { return d.answer(t, b.want(200, "", "POST", signInOptions, fields{})) }, "ceremony_over"},
		"for a session's confirm": {func() fields { return d.answer(t, lin.want(200, "", "POST", confirmOptions, fields{})) }, "ceremony_over"},
		"from another origin": {func() fields {
			bad := *d
			bad.rp.Origin = "https://meet.test.evil.test"
			return bad.answer(t, ask())
		}, "passkey_refused"},
		"without the person verified": {func() fields {
			bad := *d
			bad.auth.Options.UserNotVerified = true
			return bad.answer(t, ask())
		}, "passkey_refused"},
	} {
		if got := reset(link, c.answer(), fresh); got.status != 403 || got.code != c.want {
			t.Errorf("%s: %s", what, got.raw)
		}
		d.cred.Counter++ // the copies above have counted on
	}
	if got := reset(link, d.answer(t, ask()), "lin.yue"); got.code != "password_weak" {
		t.Error(got.raw)
	}
	lin.want(200, "", "GET", "/api/v1/me", nil) // nothing has changed

	late := d.answer(t, ask())
	w.pass(5*time.Minute + time.Second)
	if got := reset(link, late, fresh); got.code != "ceremony_over" {
		t.Error("late:", got.raw)
	}
	good := d.answer(t, ask())
	if got := reset(link, good, fresh); got.status != 204 {
		t.Fatal("the control:", got.raw)
	}
	if got := reset(link, good, "another grey heron waits"); got.code != "reset_invalid" {
		t.Error("the link is good twice:", got.raw)
	}
	lin.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	if got := b.signIn("lin.yue", fresh); got.text("next") != "second_factor" {
		t.Error(got.raw)
	}
	for _, want := range []string{"account.reset_factor u:" + id + " " + id + " ok", "account.reset u:" + id + " " + id + " ok"} {
		if !slices.Contains(w.entries(), want) {
			t.Errorf("not on record: %q", want)
		}
	}
}
