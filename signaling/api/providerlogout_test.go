package api

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"incamera/auth/oidc/oidctest"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logout posts a logout token as a provider does.
func (w *abroad) logout(token string) int {
	w.t.Helper()
	res, err := http.PostForm(w.server.URL+"/api/v1/oidc/corp/logout", url.Values{"logout_token": {token}})
	must(w.t, err)
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.Header.Get("Cache-Control") != "no-store" {
		w.t.Error("the answer may be kept")
	}
	return res.StatusCode
}

func (w *abroad) logoutClaims(jti string) map[string]any {
	now := w.clock().Unix()
	return map[string]any{
		"iss": w.idp.Issuer, "aud": "incamera", "iat": now, "exp": now + 120, "jti": jti, "sub": "1", "sid": "s1", "events": map[string]any{logoutEvent: map[string]any{}},
	}
}

func TestABackChannelLogoutEndsTheSessionItNames(t *testing.T) {
	w := newAbroad(t, nil)
	in := func(sid string) *agent {
		w.idp.SignsIn(says(oidctest.Person{Subject: "1", Login: "ada", Name: "Ada", ACR: "mfa", SID: sid}))
		a := w.agent("192.0.2.9")
		a.visit(w.idp)
		a.want(200, "", "GET", "/api/v1/me", nil)
		return a
	}
	a, b := in("s1"), in("s2")
	for name, change := range map[string]func(map[string]any){
		"no event":            func(c map[string]any) { delete(c, "events") },
		"another event":       func(c map[string]any) { c["events"] = map[string]any{"x": map[string]any{}} },
		"a nonce":             func(c map[string]any) { c["nonce"] = "n" },
		"nobody":              func(c map[string]any) { delete(c, "sub"); delete(c, "sid") },
		"no jti":              func(c map[string]any) { delete(c, "jti") },
		"another audience":    func(c map[string]any) { c["aud"] = "other" },
		"another issuer":      func(c map[string]any) { c["iss"] = "https://evil.example" },
		"old":                 func(c map[string]any) { c["iat"] = w.clock().Add(-time.Hour).Unix() },
		"over":                func(c map[string]any) { c["exp"] = w.clock().Add(-time.Minute).Unix() },
		"good for ever":       func(c map[string]any) { c["exp"] = w.clock().Add(240 * time.Hour).Unix() },
		"from a time to come": func(c map[string]any) { c["iat"] = w.clock().Add(time.Hour).Unix() },
	} {
		c := w.logoutClaims("bad")
		change(c)
		if got := w.logout(w.idp.Sign(c, "logout+jwt")); got != 400 {
			t.Errorf("%s: %d", name, got)
		}
	}
	for _, raw := range []string{"", "x", "a.b.c", strings.Repeat("x", 70<<10)} {
		if got := w.logout(raw); got != 400 {
			t.Errorf("%.10q: %d", raw, got)
		}
	}
	a.want(200, "", "GET", "/api/v1/me", nil)
	token := w.idp.Sign(w.logoutClaims("j1"), "logout+jwt")
	if got := w.logout(token); got != 204 {
		t.Fatal(got)
	}
	a.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	b.want(200, "", "GET", "/api/v1/me", nil)
	if got := w.logout(token); got != 400 {
		t.Error("used twice:", got)
	}
	c := w.logoutClaims("j2")
	delete(c, "sid")
	if got := w.logout(w.idp.Sign(c, "")); got != 204 {
		t.Fatal(got)
	}
	b.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
}

func TestSigningOutGoesOnAtTheProvider(t *testing.T) {
	w := newAbroad(t, nil)
	w.idp.SignsIn(says(oidctest.Person{Subject: "1", Login: "ada", Name: "Ada", ACR: "mfa"}))
	a := w.agent("192.0.2.9")
	a.visit(w.idp)
	u, err := url.Parse(a.want(200, "", "POST", "/api/v1/sign-out", fields{}).text("url"))
	must(t, err)
	q := u.Query()
	if !strings.HasPrefix(u.String(), w.idp.Issuer) || q.Get("client_id") != "incamera" || q.Get("post_logout_redirect_uri") != httpsURL+"/sign-in" || q.Get("id_token_hint") == "" {
		t.Fatal(u)
	}
	a.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	c := *w.idp.Client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := c.Get(u.String())
	must(t, err)
	res.Body.Close()
	if to := res.Header.Get("Location"); to != httpsURL+"/sign-in" {
		t.Error("the provider does not send the person back:", res.Status, to)
	}
}

func TestAStepUpAtTheProviderRenewsTheFactor(t *testing.T) {
	w := newAbroad(t, nil)
	who := oidctest.Person{Subject: "1", Login: "ada", Name: "Ada", ACR: "mfa", AuthTime: w.clock().Add(-50 * time.Minute)}
	w.idp.SignsIn(func(url.Values) oidctest.Person { return who })
	a := w.agent("192.0.2.9")
	a.visit(w.idp)
	when := func() float64 {
		return a.want(200, "", "GET", "/api/v1/sessions", nil).body["sessions"].([]any)[0].(map[string]any)["second_factor_at_ms"].(float64)
	}
	before, id := when(), ownSession(a)
	leave := func() string {
		return a.want(200, "", "POST", "/api/v1/second-factor/oidc", fields{"back": "/"}).text("url")
	}
	who.AuthTime, who.ACR = w.clock(), "pwd"
	if to := a.back(a.there(w.idp, leave())); to != "/#failed:provider_no_factor" || when() != before {
		t.Fatal(to)
	}
	who.ACR, who.Subject = "mfa", "2"
	if to := a.back(a.there(w.idp, leave())); to != "/#failed:provider_other_person" || when() != before {
		t.Fatal(to)
	}
	who.Subject = "1"
	old := *a.cookie
	if to := a.back(a.there(w.idp, leave())); to != "/" || when() <= before || ownSession(a) != id {
		t.Fatal(to, when(), before)
	}
	a.cookie = &old
	a.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
}
