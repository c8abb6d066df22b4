package api

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"incamera/auth/account"
	"incamera/auth/oidc"
	"incamera/auth/oidc/oidctest"
	"incamera/auth/role"
	"incamera/auth/seal"
)

// abroad is a world with a real OpenID provider beside it.
type abroad struct {
	*world
	idp *oidctest.Provider
}

func newAbroad(t *testing.T, change func(*oidc.Provider)) *abroad {
	t.Helper()
	idp, err := oidctest.New(oidctest.Options{
		ClientID: "incamera", Secret: "s3cret", Redirect: httpsURL + "/api/v1/sign-in/oidc/corp/callback", PostLogout: httpsURL + "/sign-in",
	})
	must(t, err)
	t.Cleanup(idp.Close)
	roots := x509.NewCertPool()
	roots.AddCert(idp.Certificate().Certificate())
	p := oidc.Provider{
		Name: "corp", Title: "Court account", TitleZH: "法院账号", Issuer: idp.Issuer, ClientID: "incamera", ClientSecret: "s3cret", Roots: roots,
		Scopes: []string{"openid", "profile", "groups"}, Claims: oidc.ClaimNames{Login: "preferred_username", Name: "name", Groups: "groups"},
		SecondFactor: oidc.Accepted{ACR: []string{"mfa"}, AMR: []string{"otp", "mfa"}}, Resistant: oidc.Accepted{ACR: []string{"phr"}},
		AskACR: []string{"mfa"}, MaxAge: time.Hour, Create: true, Logout: true,
	}
	if change != nil {
		change(&p)
	}
	a := &abroad{idp: idp}
	a.world = buildWorld(t, httpsURL, func(o *Options, keys *seal.Keys) {
		var err error
		o.Providers, err = oidc.New(oidc.Options{Store: o.Store, Seal: keys, Providers: []oidc.Provider{p}, PublicURL: httpsURL, Now: o.Now})
		must(t, err)
	})
	return a
}

func says(x oidctest.Person) func(url.Values) oidctest.Person {
	return func(url.Values) oidctest.Person { return x }
}

// leave begins a sign-in and gives the address that the browser goes to.
func (a *agent) leave() string {
	a.t.Helper()
	return a.want(200, "", "POST", "/api/v1/sign-in/oidc/corp", fields{"back": "/users"}).text("url")
}

// abroad follows the provider's own redirects until it sends the browser back: the path and query of the callback.
func (a *agent) there(idp *oidctest.Provider, to string) string {
	a.t.Helper()
	c := *idp.Client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for range 6 {
		res, err := c.Get(to)
		must(a.t, err)
		res.Body.Close()
		next, err := res.Location()
		if err != nil {
			a.t.Fatalf("%s: %d and nowhere to go", to, res.StatusCode)
		}
		if strings.HasPrefix(next.String(), httpsURL) {
			return next.RequestURI()
		}
		to = next.String()
	}
	a.t.Fatal("the provider sends people in circles")
	return ""
}

// back brings the browser back and gives where it is sent. A browser that comes from another site shows no Strict cookie.
func (a *agent) back(path string) string {
	a.t.Helper()
	kept := a.cookie
	a.cookie = nil
	r := a.call("GET", path, nil)
	if r.status != 303 {
		a.t.Fatalf("%d %s", r.status, r.raw)
	}
	if strings.Contains(r.header.Get("Location"), "#failed:") {
		a.mu.Lock()
		for line := range strings.Lines(a.logs.String()) {
			if strings.Contains(line, "refused") {
				a.t.Log(line)
			}
		}
		a.mu.Unlock()
	}
	if a.cookie == nil {
		a.cookie = kept
	}
	return r.header.Get("Location")
}

// visit is a whole trip.
func (a *agent) visit(idp *oidctest.Provider) string {
	a.t.Helper()
	return a.back(a.there(idp, a.leave()))
}

func TestAProviderWithASecondFactorSignsInAtOnce(t *testing.T) {
	w := newAbroad(t, func(p *oidc.Provider) {
		p.Groups = account.Mapping{Allowed: []string{"court"}, Roles: []account.GroupRole{{Group: "it", Role: string(role.Organiser)}}}
	})
	at := w.clock().Add(-10 * time.Minute)
	w.idp.SignsIn(says(oidctest.Person{Subject: "77", Login: "Wei.Min", Name: "Wei Min", Groups: []string{"court", "it"}, AMR: []string{"pwd", "otp"}, AuthTime: at}))
	a := w.agent("192.0.2.9")
	if to := a.visit(w.idp); to != "/users" {
		t.Fatal(to)
	}
	me := a.want(200, "", "GET", "/api/v1/me", nil).body["user"].(map[string]any)
	if me["login"] != "wei.min" || me["name"] != "Wei Min" || me["role"] != "organiser" {
		t.Fatal(me)
	}
	s := a.want(200, "", "GET", "/api/v1/sessions", nil).body["sessions"].([]any)[0].(map[string]any)
	if int64(s["second_factor_at_ms"].(float64)) != at.Unix()*1000 || s["assurance"] != "mfa" {
		t.Fatal("the factor was given when the provider says, and not now:", s)
	}
	groups, err := w.store.Users.Groups(context.Background(), me["id"].(string))
	if err != nil || !slices.Equal(groups, []string{"court", "it"}) {
		t.Fatal(groups, err)
	}
	ask := w.idp.Asked()
	if q := ask[0]; len(ask) != 1 || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("max_age") != "3600" || q.Get("state") == "" {
		t.Fatal(ask)
	}
	room := a.room("internal")
	a.want(200, "", "POST", "/api/v1/rooms/"+room+"/token", fields{"jkt": thumb})
	// groups are as they are today: out of it, no administrator; out of court, out
	w.idp.SignsIn(says(oidctest.Person{Subject: "77", Login: "wei.min", Name: "Wei Min-Li", Groups: []string{"court"}, AMR: []string{"otp"}}))
	b := w.agent("192.0.2.9")
	b.visit(w.idp)
	if me := b.want(200, "", "GET", "/api/v1/me", nil).body["user"].(map[string]any); me["role"] != "user" || me["name"] != "Wei Min-Li" {
		t.Fatal(me)
	}
	w.idp.SignsIn(says(oidctest.Person{Subject: "77", Login: "wei.min", Name: "Wei", AMR: []string{"otp"}}))
	if to := b.visit(w.idp); to != "/sign-in#failed:account_not_allowed" {
		t.Fatal(to)
	}
	a.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	log := strings.Join(w.entries(), "\n")
	for _, want := range []string{"account.create provider:corp", "account.role provider:corp", "sign_in.provider nobody  account_not_allowed"} {
		if !strings.Contains(log, want) {
			t.Errorf("not on record: %s\n%s", want, log)
		}
	}
}

func TestAPasskeyAtTheProviderCountsAsOne(t *testing.T) {
	w := newAbroad(t, nil)
	w.idp.SignsIn(says(oidctest.Person{Subject: "1", Login: "ada", Name: "Ada", ACR: "phr"}))
	a := w.agent("192.0.2.9")
	a.visit(w.idp)
	s := a.want(200, "", "GET", "/api/v1/sessions", nil).body["sessions"].([]any)[0].(map[string]any)
	if s["assurance"] != "phishing_resistant" {
		t.Fatal(s)
	}
}

func TestWithoutAFactorTheProviderIsAskedOnceMore(t *testing.T) {
	for name, first := range map[string]oidctest.Person{
		"no factor":         {Subject: "1", Login: "ada", Name: "Ada", AMR: []string{"pwd"}},
		"an old factor":     {Subject: "1", Login: "ada", Name: "Ada", AMR: []string{"otp"}, AuthTime: time.Now().Add(-2 * time.Hour)},
		"an acr of its own": {Subject: "1", Login: "ada", Name: "Ada", ACR: "gold"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newAbroad(t, nil)
			w.idp.SignsIn(func(ask url.Values) oidctest.Person {
				if len(ask["acr_values"]) == 0 {
					return first
				}
				return oidctest.Person{Subject: "1", Login: "ada", Name: "Ada", ACR: "mfa", AMR: []string{"pwd", "otp"}}
			})
			a := w.agent("192.0.2.9")
			again := a.visit(w.idp)
			if !strings.HasPrefix(again, w.idp.Issuer) {
				t.Fatal(again)
			}
			a.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
			if to := a.back(a.there(w.idp, again)); to != "/users" {
				t.Fatal(to)
			}
			a.want(200, "", "GET", "/api/v1/me", nil)
			q := w.idp.Asked()[1]
			if q.Get("acr_values") != "mfa" || q.Get("prompt") != "login" || q.Get("login_hint") != "ada" || q.Get("max_age") != "3600" ||
				q.Get("claims") != `{"id_token":{"acr":{"essential":true,"values":["mfa"]},"auth_time":{"essential":true}}}` {
				t.Fatal(q)
			}
		})
	}
}

func TestAFactorThatTheProviderCannotGiveIsAskedForHere(t *testing.T) {
	w := newAbroad(t, nil)
	w.idp.SignsIn(says(oidctest.Person{Subject: "1", Login: "ada", Name: "Ada"}))
	a := w.agent("192.0.2.9")
	if to := a.back(a.there(w.idp, a.visit(w.idp))); to != "/sign-in#continue:/users" {
		t.Fatal(to)
	}
	a.want(403, "enrolment_required", "GET", "/api/v1/me", nil)
	if got := a.want(200, "", "GET", "/api/v1/sign-in", nil); got.text("next") != "enrol" || got.text("login") != "ada" {
		t.Fatal(got.raw)
	}
	a.enrol()
	a.want(200, "", "GET", "/api/v1/me", nil)
	// the next time the code is asked for, also when the provider refuses the second trip
	b := w.agent("192.0.2.9")
	b.secret = a.secret
	again := b.visit(w.idp)
	u, err := url.Parse(again)
	must(t, err)
	back := "/api/v1/sign-in/oidc/corp/callback?error=unmet_authentication_requirements&state=" + u.Query().Get("state") + "&iss=" + url.QueryEscape(w.idp.Issuer)
	if to := b.back(back); to != "/sign-in#continue:/users" {
		t.Fatal(to)
	}
	if got := b.want(200, "", "GET", "/api/v1/sign-in", nil); got.text("next") != "second_factor" {
		t.Fatal(got.raw)
	}
	b.want(403, "second_factor_required", "GET", "/api/v1/me", nil)
	b.want(200, "", "POST", "/api/v1/second-factor", fields{"code": b.code()})
	b.want(200, "", "GET", "/api/v1/me", nil)
}

func TestSomebodyElseInTheSecondTripIsRefused(t *testing.T) {
	w := newAbroad(t, nil)
	w.idp.SignsIn(func(ask url.Values) oidctest.Person {
		if len(ask["acr_values"]) == 0 {
			return oidctest.Person{Subject: "1", Login: "ada", Name: "Ada"}
		}
		return oidctest.Person{Subject: "2", Login: "bob", Name: "Bob", ACR: "mfa"}
	})
	a := w.agent("192.0.2.9")
	if to := a.back(a.there(w.idp, a.visit(w.idp))); to != "/sign-in#failed:provider_other_person" {
		t.Fatal(to)
	}
	a.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
}

func TestWithoutAnAccountOnlyALinkLetsIn(t *testing.T) {
	w := newAbroad(t, func(p *oidc.Provider) { p.Create = false })
	admin := w.admin()
	w.idp.SignsIn(says(oidctest.Person{Subject: "77", Login: "lin.yue", Name: "Lin Yue", ACR: "mfa"})) // the administrator's name
	a := w.agent("192.0.2.9")
	if to := a.visit(w.idp); to != "/sign-in#failed:account_not_linked" {
		t.Fatal("a name was enough:", to)
	}
	made := admin.want(201, "", "POST", "/api/v1/users", fields{"login": "wei", "name": "Wei", "role": "user"})
	path := "/api/v1/users/" + made.text("id") + "/identities"
	admin.want(400, "bad_request", "POST", path, fields{"provider": "other", "subject": "77"})
	link := admin.want(201, "", "POST", path, fields{"provider": "corp", "subject": "77"})
	admin.want(409, "identity_linked", "POST", path, fields{"provider": "corp", "subject": "77"})
	if got := w.agent("192.0.2.8").call("POST", "/api/v1/invite", fields{"token": made.text("invite"), "password": password}); got.code != "invite_invalid" {
		t.Fatal("the invitation of a linked account still works:", got.raw)
	}
	if to := a.visit(w.idp); to != "/users" {
		t.Fatal(to)
	}
	if me := a.want(200, "", "GET", "/api/v1/me", nil).body["user"].(map[string]any); me["id"] != made.text("id") {
		t.Fatal(me)
	}
	a.want(409, "password_elsewhere", "POST", "/api/v1/password", fields{"old": "x", "new": "a loud bell in the tower"})
	admin.want(204, "", "POST", "/api/v1/users/"+made.text("id")+"/disable", fields{})
	if to := a.visit(w.idp); to != "/sign-in#failed:account_disabled" {
		t.Fatal(to)
	}
	admin.want(204, "", "POST", "/api/v1/users/"+made.text("id")+"/enable", fields{})
	a.visit(w.idp)
	a.want(200, "", "GET", "/api/v1/me", nil)
	admin.want(204, "", "DELETE", path+"/"+link.text("id"), nil)
	a.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	if to := a.visit(w.idp); to != "/sign-in#failed:account_not_linked" {
		t.Fatal(to)
	}
}

// Who is linked to an account is that account: nobody does it alone to one that is somebody's.
func TestLinkingAnAccountThatIsSomebodysTakesTwoAdministrators(t *testing.T) {
	w := newAbroad(t, nil)
	lin := w.admin()
	zhao := lin.user("zhao", "192.0.2.3")
	w.idp.SignsIn(says(oidctest.Person{Subject: "77", Login: "z", Name: "Z", ACR: "mfa"}))
	waits := lin.want(201, "", "POST", "/api/v1/users/"+zhao.userID+"/identities", fields{"provider": "corp", "subject": "77"})
	if waits.text("kind") != "link_identity" || waits.text("detail") != "corp: 77" {
		t.Fatal(waits.raw)
	}
	if links, _ := w.store.Identities.Of(context.Background(), zhao.userID); len(links) != 0 {
		t.Fatal("one alone linked it:", links)
	}
	lin.want(403, "second_person_required", "POST", "/api/v1/approvals/"+waits.text("id")+"/approve", fields{})
	second := lin.as("chen", "192.0.2.4", role.Security)
	second.want(204, "", "POST", "/api/v1/approvals/"+waits.text("id")+"/approve", fields{})
	a := w.agent("192.0.2.9")
	a.visit(w.idp)
	if me := a.want(200, "", "GET", "/api/v1/me", nil).body["user"].(map[string]any); me["id"] != zhao.userID {
		t.Fatal(me)
	}
}

func TestALoginThatIsTakenIsNotTakenOver(t *testing.T) {
	w := newAbroad(t, nil)
	w.admin()
	w.idp.SignsIn(says(oidctest.Person{Subject: "77", Login: "lin.yue", Name: "Lin Yue", ACR: "mfa"}))
	a := w.agent("192.0.2.9")
	if to := a.visit(w.idp); to != "/sign-in#failed:account_not_linked" {
		t.Fatal(to)
	}
}

func TestATripIsGoodOnceAndInOneBrowser(t *testing.T) {
	w := newAbroad(t, nil)
	w.idp.SignsIn(says(oidctest.Person{Subject: "1", Login: "ada", Name: "Ada", ACR: "mfa"}))
	const over = "/sign-in#failed:sign_in_over"
	a, thief := w.agent("192.0.2.9"), w.agent("192.0.2.66")
	back := a.there(w.idp, a.leave())
	thief.leave() // has a cookie of its own
	if to := thief.back(back); to != over {
		t.Fatal("another browser:", to)
	}
	if to := a.back(back); to != "/users" { // the thief's try did not use it up
		t.Fatal(to)
	}
	a.want(200, "", "GET", "/api/v1/me", nil)
	b := w.agent("192.0.2.9")
	b.leave()
	b.trip = a.trip
	if to := b.back(back); to != over {
		t.Fatal("the state a second time:", to)
	}
	// the code a second time, with a fresh state: the provider refuses it
	old, _ := url.Parse(back)
	fresh, _ := url.Parse(b.leave())
	stale := "/api/v1/sign-in/oidc/corp/callback?" + url.Values{"code": old.Query()["code"], "state": fresh.Query()["state"], "iss": {w.idp.Issuer}}.Encode()
	if to := b.back(stale); to != "/sign-in#failed:provider_refused" {
		t.Fatal("the code a second time:", to)
	}
	c := w.agent("192.0.2.9")
	late := c.there(w.idp, c.leave())
	w.pass(11 * time.Minute)
	if to := c.back(late); to != over {
		t.Fatal("late:", to)
	}
	for _, path := range []string{"", "?state=x&code=y", "?state=" + strings.Repeat("a", 43) + "&code=y", "?state=%00", "?state=a&state=b&code=c"} {
		if to := c.back("/api/v1/sign-in/oidc/corp/callback" + path); !strings.HasPrefix(to, "/sign-in#failed:") {
			t.Fatal(path, to)
		}
	}
}

func TestAnAnswerOfAnotherIssuerIsAMixUp(t *testing.T) {
	w := newAbroad(t, nil)
	w.idp.SignsIn(says(oidctest.Person{Subject: "1", Login: "ada", Name: "Ada", ACR: "mfa"}))
	a := w.agent("192.0.2.9")
	u, _ := url.Parse(a.there(w.idp, a.leave()))
	q := u.Query()
	q.Set("iss", "https://evil.example")
	if to := a.back(u.Path + "?" + q.Encode()); to != "/sign-in#failed:provider_refused" {
		t.Fatal(to)
	}
}

func TestAProviderThatIsDownSaysSo(t *testing.T) {
	w := newAbroad(t, nil)
	a := w.agent("192.0.2.9")
	w.idp.Down(true)
	a.want(503, "provider_unavailable", "POST", "/api/v1/sign-in/oidc/corp", fields{})
	w.idp.Down(false)
	w.pass(5 * time.Second) // it is not asked again at once
	back := a.there(w.idp, a.leave())
	w.idp.Down(true)
	if to := a.back(back); to != "/sign-in#failed:provider_unavailable" {
		t.Fatal(to)
	}
	w.idp.Down(false)
	a.want(404, "not_found", "POST", "/api/v1/sign-in/oidc/other", fields{})
	a.want(400, "bad_request", "POST", "/api/v1/sign-in/oidc/corp", fields{"back": "//evil.example"})
	a.want(400, "bad_request", "POST", "/api/v1/sign-in/oidc/corp", fields{"back": "/r/../../x"})
}
