package api

import (
	"context"
	"strings"
	"testing"
	"time"

	"incamera/auth/oidc/oidctest"
)

// goLink begins the trip that links an account at the provider to one's own.
func (a *agent) goLink() string {
	a.t.Helper()
	return a.want(200, "", "POST", "/api/v1/identities/oidc/corp", fields{"back": "/security"}).text("url")
}

func (a *agent) links() (ids []string) {
	a.t.Helper()
	for _, l := range a.want(200, "", "GET", "/api/v1/identities", nil).body["identities"].([]any) {
		ids = append(ids, l.(map[string]any)["id"].(string))
	}
	return ids
}

func TestOneLinksAnAccountElsewhereToOnesOwnAndUnlinksIt(t *testing.T) {
	w := newAbroad(t, nil)
	admin := w.admin()
	zhao := admin.user("zhao", "192.0.2.3")
	w.idp.SignsIn(says(oidctest.Person{Subject: "77", Login: "z.heng", Name: "Z", ACR: "mfa"}))
	if to := zhao.back(zhao.there(w.idp, zhao.goLink())); to != "/security" {
		t.Fatal(to)
	}
	if q := w.idp.Asked(); q[len(q)-1].Get("prompt") != "login" {
		t.Error("whoever used the browser last could be linked:", q)
	}
	links := zhao.links()
	if len(links) != 1 {
		t.Fatal(links)
	}
	// from now on it opens the account, and no other
	b := w.agent("192.0.2.9")
	b.visit(w.idp)
	if me := b.want(200, "", "GET", "/api/v1/me", nil); me.body["user"].(map[string]any)["id"] != zhao.userID || me.text("provider") != "corp" || me.body["password"] != true {
		t.Fatal(me.raw)
	}
	if to := admin.back(admin.there(w.idp, admin.goLink())); to != "/security#failed:identity_linked" {
		t.Fatal("it was somebody's already:", to)
	}
	zhao.want(204, "", "DELETE", "/api/v1/identities/"+links[0], nil)
	zhao.want(200, "", "GET", "/api/v1/me", nil)
	b.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	zhao.want(404, "not_found", "DELETE", "/api/v1/identities/"+links[0], nil)
	log := strings.Join(w.entries(), "\n")
	for _, want := range []string{"account.link u:" + zhao.userID + " " + zhao.userID + " ok", "account.link u:" + admin.userID, "account.unlink u:" + zhao.userID} {
		if !strings.Contains(log, want) {
			t.Errorf("not on record: %s\n%s", want, log)
		}
	}
}

func TestALinkOfOnesOwnAsksForTheFactorAndTheSessionThatBeganIt(t *testing.T) {
	w := newAbroad(t, nil)
	admin := w.admin()
	zhao := admin.user("zhao", "192.0.2.3")
	w.idp.SignsIn(says(oidctest.Person{Subject: "77", Login: "z.heng", Name: "Z", ACR: "mfa"}))
	none := func(why string) {
		t.Helper()
		if got, err := w.store.Identities.Of(context.Background(), zhao.userID); err != nil || len(got) != 0 {
			t.Fatal(why, got, err)
		}
	}
	// somebody else's browser brings the answer
	back := zhao.there(w.idp, zhao.goLink())
	thief := w.agent("192.0.2.66")
	thief.leave()
	if to := thief.back(back); to != "/sign-in#failed:sign_in_over" {
		t.Fatal(to)
	}
	none("another browser")
	// the session ended while its person was away
	mine := ownSession(zhao)
	zhao.want(204, "", "DELETE", "/api/v1/sessions/"+mine, nil)
	if to := zhao.back(back); to != "/security#failed:unauthenticated" {
		t.Fatal(to)
	}
	none("a session that ended")
	zhao.signIn("zhao", password)
	zhao.want(200, "", "POST", "/api/v1/second-factor", fields{"code": zhao.code()})
	// whoever stands there says no
	w.pass(justNow + time.Second)
	zhao.want(403, "second_factor_required", "POST", "/api/v1/identities/oidc/corp", fields{})
	zhao.want(403, "second_factor_required", "DELETE", "/api/v1/identities/i_1", nil)
	zhao.want(404, "not_found", "POST", "/api/v1/identities/oidc/other", fields{})
	none("an old factor")
}

// The one way into an account stays, until there is another.
func TestTheLastWayIntoAnAccountStays(t *testing.T) {
	w := newAbroad(t, nil)
	w.idp.SignsIn(says(oidctest.Person{Subject: "1", Login: "ada", Name: "Ada", ACR: "mfa"}))
	a := w.agent("192.0.2.9")
	a.visit(w.idp)
	if me := a.want(200, "", "GET", "/api/v1/me", nil); me.body["password"] != false {
		t.Fatal(me.raw)
	}
	first := a.links()
	a.want(409, "last_way_in", "DELETE", "/api/v1/identities/"+first[0], nil)
	w.idp.SignsIn(says(oidctest.Person{Subject: "2", Login: "ada2", Name: "Ada", ACR: "mfa"}))
	a.back(a.there(w.idp, a.goLink()))
	a.want(204, "", "DELETE", "/api/v1/identities/"+first[0], nil)
	if left := a.links(); len(left) != 1 || left[0] == first[0] {
		t.Fatal(left)
	}
}
