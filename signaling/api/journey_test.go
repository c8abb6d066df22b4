package api

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTheFirstPersonSetsUpEnrolsAndSignsInAgain(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.agent("192.0.2.1")
	if got := a.want(200, "", "GET", "/api/v1/setup", nil); got.body["needed"] != true {
		t.Fatal(got.raw)
	}
	first := fields{"token": "wrong", "login": "Lin.Yue ", "name": " Lin Yue ", "password": password}
	a.want(403, "setup_token_invalid", "POST", "/api/v1/setup", first)
	first["token"] = w.setup
	first["password"] = "short"
	a.want(400, "password_weak", "POST", "/api/v1/setup", first)
	first["password"] = password
	if got := a.want(201, "", "POST", "/api/v1/setup", first); got.text("next") != "enrol" {
		t.Fatal(got.raw)
	}
	a.want(403, "enrolment_required", "GET", "/api/v1/me", nil)
	pending := *a.cookie
	recovery := a.enrol()
	if len(recovery) != 10 || a.cookie.Value == pending.Value {
		t.Fatalf("%d recovery codes; cookie changed: %v", len(recovery), a.cookie.Value != pending.Value)
	}
	me := a.want(200, "", "GET", "/api/v1/me", nil)
	if u := me.body["user"].(map[string]any); u["name"] != "Lin Yue" || u["login"] != "lin.yue" || u["role"] != "sole_admin" || u["mfa"].(map[string]any)["totp"] != true {
		t.Fatal(me.raw)
	}
	w.agent("192.0.2.2").want(409, "setup_done", "POST", "/api/v1/setup", first)
	if got := a.want(200, "", "GET", "/api/v1/setup", nil); got.body["needed"] != false {
		t.Fatal(got.raw)
	}

	full := *a.cookie
	a.want(204, "", "POST", "/api/v1/sign-out", nil)
	if a.cookie.Value != "" || a.cookie.MaxAge >= 0 {
		t.Errorf("sign-out leaves the cookie %+v", a.cookie)
	}
	for _, old := range []http.Cookie{pending, full} {
		a.cookie = &old
		a.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	}
	a.cookie = nil
	a.want(204, "", "POST", "/api/v1/sign-out", nil) // who is out stays out

	if got := a.signIn("LIN.YUE", password); got.status != 200 || got.text("next") != "second_factor" {
		t.Fatal(got.raw)
	}
	a.want(403, "second_factor_required", "GET", "/api/v1/me", nil)
	got := a.want(200, "", "POST", "/api/v1/second-factor", fields{"code": a.code()})
	if got.body["user"].(map[string]any)["login"] != "lin.yue" {
		t.Fatal(got.raw)
	}
}

func TestAnInvitationIsAcceptedOnce(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	made := admin.want(201, "", "POST", "/api/v1/users", fields{"login": "zhao", "name": "Zhao Heng", "role": "user"})
	if made.text("link") != httpsURL+"/invite#"+made.text("invite") {
		t.Fatal(made.raw)
	}
	admin.want(409, "login_taken", "POST", "/api/v1/users", fields{"login": "Zhao", "name": "Another", "role": "user"})
	admin.want(400, "bad_request", "POST", "/api/v1/users", fields{"login": "sun", "name": "Sun", "role": "owner"})
	admin.want(400, "login_invalid", "POST", "/api/v1/users", fields{"login": "two words", "name": "Sun", "role": "user"})
	u := w.agent("192.0.2.3")
	accept := fields{"token": made.text("invite"), "password": "zhao zhao zhao zhao"}
	u.want(400, "password_weak", "POST", "/api/v1/invite", accept)
	accept["password"] = password
	if got := u.want(200, "", "POST", "/api/v1/invite", accept); got.text("next") != "enrol" {
		t.Fatal(got.raw)
	}
	u.enrol()
	w.agent("192.0.2.4").want(403, "invite_invalid", "POST", "/api/v1/invite", accept)
	list := admin.want(200, "", "GET", "/api/v1/users", nil)
	if users := list.body["users"].([]any); len(users) != 2 || users[1].(map[string]any)["state"] != "active" {
		t.Fatal(list.raw)
	}
	if got := admin.want(200, "", "GET", "/api/v1/users?after=lin.yue", nil); len(got.body["users"].([]any)) != 1 {
		t.Fatal(got.raw)
	}
	admin.want(400, "bad_request", "GET", "/api/v1/users?after=%ff", nil)
	admin.want(400, "bad_request", "GET", "/api/v1/users?after=%00", nil)
}

func TestACodeIsGoodOnce(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.agent("192.0.2.1")
	a.want(201, "", "POST", "/api/v1/setup", fields{"token": w.setup, "login": "lin", "name": "Lin", "password": password})
	recovery := a.enrol()
	code := a.code()
	give := func(code string) reply {
		t.Helper()
		b := w.agent("192.0.2.9")
		if got := b.signIn("lin", password); got.status != 200 {
			t.Fatal(got.raw)
		}
		return b.call("POST", "/api/v1/second-factor", fields{"code": code})
	}
	if got := give(code); got.status != 200 {
		t.Fatalf("the first use: %s", got.raw)
	}
	for what, spent := range map[string]string{"totp": code, "wrong": "12345x", "empty": ""} {
		if got := give(spent); got.status != 403 || got.code != "second_factor_invalid" {
			t.Errorf("%s: %s", what, got.raw)
		}
	}
	loud := strings.ToUpper(recovery[3])
	if got := give(loud); got.status != 200 {
		t.Fatalf("recovery: %s", got.raw)
	}
	if got := give(recovery[3]); got.status != 403 || got.code != "second_factor_invalid" {
		t.Errorf("recovery twice: %s", got.raw)
	}
}

func TestCookiesAreForThisHostAndSiteOnly(t *testing.T) {
	for url, want := range map[string]struct {
		name   string
		secure bool
	}{httpsURL: {"__Host-incamera", true}, "http://meet.test:8080": {"incamera", false}} {
		w := newWorld(t, url)
		a := w.agent("192.0.2.1")
		look := func(when string, life time.Duration) {
			t.Helper()
			c := a.cookie
			if c == nil || c.Name != want.name || c.Secure != want.secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("%s %s: %+v", url, when, c)
			}
			if left := c.Expires.Sub(w.clock()); life > 0 && (left > life || left < life-2*time.Minute) {
				t.Errorf("%s %s: lives for %s", url, when, left)
			}
		}
		a.want(201, "", "POST", "/api/v1/setup", fields{"token": w.setup, "login": "lin", "name": "Lin", "password": password})
		look("pending", 10*time.Minute)
		a.enrol()
		look("full", 12*time.Hour)
		a.want(204, "", "POST", "/api/v1/sign-out", nil)
		look("gone", 0)
	}
}

func TestAStepUpChangesTheCookieToo(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	old := *a.cookie
	a.want(200, "", "POST", "/api/v1/second-factor", fields{"code": a.code()})
	if a.cookie.Value == old.Value {
		t.Error("the cookie is the same")
	}
	a.want(200, "", "GET", "/api/v1/me", nil)
	a.cookie = &old
	a.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
}

// Session fixation: a cookie that somebody else planted is never adopted, neither by the password nor by the factor.
func TestAPlantedCookieIsNeverAdopted(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	planter := w.agent("192.0.2.66") // holds a pending session of their own choosing
	admin.user("mallory", "192.0.2.67")
	planter.signIn("mallory", password)
	for name, planted := range map[string]string{
		"made up": strings.Repeat("A", 43), "of the planter's pending session": planter.cookie.Value,
	} {
		victim := w.agent("192.0.2.5")
		victim.secret = admin.secret
		victim.cookie = &http.Cookie{Name: "__Host-incamera", Value: planted}
		victim.signIn("lin.yue", password)
		pending := victim.cookie.Value
		victim.want(200, "", "POST", "/api/v1/second-factor", fields{"code": victim.code()})
		full := victim.cookie.Value
		if pending == planted || full == planted || full == pending {
			t.Errorf("%s: a cookie was kept", name)
		}
		victim.want(200, "", "GET", "/api/v1/me", nil) // the control: the new one is good
		for _, old := range []string{planted, pending} {
			thief := w.agent("192.0.2.66")
			thief.cookie = &http.Cookie{Name: "__Host-incamera", Value: old}
			thief.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
		}
	}
}

func TestAnotherPersonsSignInEndsWhatTheBrowserHad(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	admin.user("zhao", "192.0.2.3")
	browser := w.agent("192.0.2.5")
	browser.signIn("lin.yue", password)
	pending := *browser.cookie
	browser.signIn("lin.yue", password)
	stale := w.agent("192.0.2.5")
	stale.cookie = &pending
	stale.want(401, "unauthenticated", "POST", "/api/v1/second-factor", fields{"code": "000000"})

	mine := *admin.cookie
	admin.signIn("zhao", password)
	admin.cookie = &mine
	admin.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
}

func TestSessionsEndByTheClock(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	a.signIn("lin.yue", password)
	w.pass(10 * time.Minute)
	a.want(401, "unauthenticated", "POST", "/api/v1/second-factor", fields{"code": a.codeNow()})
	a.signIn("lin.yue", password)
	began := w.clock()
	a.want(200, "", "POST", "/api/v1/second-factor", fields{"code": a.code()})
	w.pass(began.Add(12*time.Hour - time.Second).Sub(w.clock()))
	a.want(200, "", "GET", "/api/v1/me", nil)
	w.pass(time.Second)
	a.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
}
