package api

import (
	"testing"
	"time"
)

func TestADisabledAccountIsShutOutUntilEnabled(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	u := admin.user("zhao", "192.0.2.3")
	path := "/api/v1/users/" + u.userID
	admin.want(204, "", "POST", path+"/disable", fields{})
	admin.want(204, "", "POST", path+"/disable", fields{})
	u.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	if got := u.signIn("zhao", password); got.status != 401 || got.code != "invalid_credentials" {
		t.Fatal(got.raw)
	}
	admin.want(204, "", "POST", path+"/enable", fields{})
	u.want(401, "unauthenticated", "GET", "/api/v1/me", nil) // sessions do not come back
	if got := u.signIn("zhao", password); got.status != 200 {
		t.Fatal(got.raw)
	}
}

func TestAnInvitedAccountStaysInvitedThroughDisableAndEnable(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	made := admin.want(201, "", "POST", "/api/v1/users", fields{"login": "sun", "name": "Sun Wei", "role": "user"})
	path := "/api/v1/users/" + made.text("id")
	accept := func(token string) reply {
		return w.agent("192.0.2.3").call("POST", "/api/v1/invite", fields{"token": token, "password": password})
	}
	admin.want(204, "", "POST", path+"/enable", fields{}) // not a way to make it active without a password
	admin.want(204, "", "POST", path+"/disable", fields{})
	if got := accept(made.text("invite")); got.code != "invite_invalid" {
		t.Fatal(got.raw)
	}
	admin.want(409, "conflict", "POST", path+"/invite", fields{})
	admin.want(204, "", "POST", path+"/enable", fields{})
	again := admin.want(201, "", "POST", path+"/invite", fields{})
	if again.text("link") != httpsURL+"/invite#"+again.text("invite") || again.text("id") != made.text("id") {
		t.Fatal(again.raw)
	}
	if got := accept(made.text("invite")); got.code != "invite_invalid" {
		t.Fatalf("the old link still works: %s", got.raw)
	}
	if got := accept(again.text("invite")); got.status != 200 {
		t.Fatal(got.raw)
	}
	admin.want(409, "conflict", "POST", path+"/invite", fields{})
}

func TestAPasswordChangeNeedsTheOldOneAndEndsOtherSessions(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	b := w.agent("192.0.2.2")
	b.secret = a.secret
	b.signIn("lin.yue", password)
	b.want(200, "", "POST", "/api/v1/second-factor", fields{"code": b.code()})
	const fresh = "a loud bell in the tower"
	a.want(403, "invalid_credentials", "POST", "/api/v1/password", fields{"old": "not this one at all", "new": fresh})
	a.want(400, "password_weak", "POST", "/api/v1/password", fields{"old": password, "new": "short"})
	b.want(200, "", "GET", "/api/v1/me", nil)
	a.want(204, "", "POST", "/api/v1/password", fields{"old": password, "new": fresh})
	a.want(200, "", "GET", "/api/v1/me", nil)
	b.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	if got := b.signIn("lin.yue", password); got.code != "invalid_credentials" {
		t.Fatal(got.raw)
	}
	if got := b.signIn("lin.yue", fresh); got.status != 200 {
		t.Fatal(got.raw)
	}
}

func TestAPersonSeesAndEndsTheirOwnSessions(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	other := a.user("zhao", "192.0.2.3")
	b := w.agent("192.0.2.2")
	b.secret = a.secret
	b.header.Set("User-Agent", "Phone/1")
	b.signIn("lin.yue", password)
	b.want(200, "", "POST", "/api/v1/second-factor", fields{"code": b.code()})
	list := a.want(200, "", "GET", "/api/v1/sessions", nil).body["sessions"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d sessions", len(list))
	}
	second := list[1].(map[string]any)
	if second["agent"] != "Phone/1" || second["address"] != "192.0.2.2" || second["current"] != false || second["signed_in"] != true || second["second_factor_at_ms"].(float64) == 0 {
		t.Fatal(second)
	}
	id := second["id"].(string)
	other.want(404, "not_found", "DELETE", "/api/v1/sessions/"+id, nil)
	b.want(200, "", "GET", "/api/v1/me", nil)
	a.want(204, "", "DELETE", "/api/v1/sessions/"+id, nil)
	b.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	a.want(404, "not_found", "DELETE", "/api/v1/sessions/"+id, nil)
	a.want(404, "not_found", "DELETE", "/api/v1/sessions/%00", nil)
	a.want(204, "", "DELETE", "/api/v1/sessions/"+ownSession(a), nil)
	if a.cookie.Value != "" {
		t.Error("the browser keeps the cookie of the session it ended")
	}
}

func TestNewRecoveryCodesReplaceTheOldOnes(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.agent("192.0.2.1")
	a.want(201, "", "POST", "/api/v1/setup", fields{"token": w.setup, "login": "lin", "name": "Lin", "password": password})
	old := a.enrol()
	w.pass(justNow + time.Second)
	a.want(403, "second_factor_required", "POST", "/api/v1/factors/recovery", fields{})
	a.want(403, "second_factor_required", "POST", "/api/v1/factors/totp", fields{})
	a.want(200, "", "POST", "/api/v1/second-factor", fields{"code": a.code()})
	codes := a.want(200, "", "POST", "/api/v1/factors/recovery", fields{}).body["recovery_codes"].([]any)
	if len(codes) != 10 {
		t.Fatalf("%d codes", len(codes))
	}
	a.want(403, "second_factor_invalid", "POST", "/api/v1/second-factor", fields{"code": old[0]})
	a.want(200, "", "POST", "/api/v1/second-factor", fields{"code": codes[0]})
}

func TestAReplacedFactorEndsOtherSessions(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	b := w.agent("192.0.2.2")
	b.secret = a.secret
	b.signIn("lin.yue", password)
	b.want(200, "", "POST", "/api/v1/second-factor", fields{"code": b.code()})
	pending := w.agent("192.0.2.4")
	pending.secret = a.secret
	pending.signIn("lin.yue", password)
	pending.want(403, "second_factor_required", "POST", "/api/v1/factors/totp", fields{}) // a password alone replaces none
	old := a.secret
	a.enrol()
	if a.secret == old {
		t.Fatal("the secret is the same")
	}
	b.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	pending.want(401, "unauthenticated", "POST", "/api/v1/second-factor", fields{"code": pending.code()})
}

func TestAdministrationAsksForAFactorOfThisHour(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	u := admin.user("zhao", "192.0.2.3")
	w.pass(thisHour + time.Second)
	admin.want(200, "", "GET", "/api/v1/users", nil)
	for path, in := range map[string]fields{
		"/api/v1/users":                                {"login": "sun", "name": "Sun", "role": "auditor"},
		"/api/v1/users/" + u.userID + "/disable":       {},
		"/api/v1/users/" + u.userID + "/enable":        {},
		"/api/v1/users/" + u.userID + "/reset-factors": {},
		"/api/v1/users/" + u.userID + "/invite":        {},
	} {
		admin.want(403, "second_factor_required", "POST", path, in)
	}
	admin.want(200, "", "POST", "/api/v1/second-factor", fields{"code": admin.code()})
	admin.want(204, "", "POST", "/api/v1/users/"+u.userID+"/disable", fields{})
}
