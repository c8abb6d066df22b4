package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAnotherSitesPageActsForNobody(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	room := fields{"title": "X"}
	for what, h := range map[string]http.Header{
		"cross-site": {"Sec-Fetch-Site": {"cross-site"}}, "sibling": {"Sec-Fetch-Site": {"same-site"}},
		"origin": {"Origin": {"https://evil.test"}}, "null": {"Origin": {"null"}}, "suffix": {"Origin": {httpsURL + ".evil.test"}},
		"port": {"Origin": {httpsURL + ":8443"}}, "scheme": {"Origin": {"http://meet.test"}},
		"both": {"Origin": {"https://evil.test"}, "Sec-Fetch-Site": {"cross-site"}},
	} {
		a.header = h
		for _, path := range []string{"/api/v1/rooms", "/api/v1/sign-in", "/api/v1/sign-out", "/api/v1/users", "/api/v1/unknown"} {
			if got := a.call("POST", path, room); got.status != 403 || got.code != "forbidden" {
				t.Errorf("%s %s: %d %s", what, path, got.status, got.raw)
			}
		}
		if got := a.call("DELETE", "/api/v1/rooms/k7m2q9xw4d", nil); got.status != 403 {
			t.Errorf("%s: DELETE: %d", what, got.status)
		}
		a.want(200, "", "GET", "/api/v1/me", nil) // readable by the own page only: there is no CORS
		if a.call("GET", "/api/v1/me", nil).header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: an answer for other origins", what)
		}
	}
	for what, h := range map[string]http.Header{
		"own page": {"Sec-Fetch-Site": {"same-origin"}, "Origin": {httpsURL}}, "own page behind a proxy": {"Origin": {httpsURL}},
		"by its host": {"Origin": {w.server.URL}}, "typed": {"Sec-Fetch-Site": {"none"}}, "program": {},
	} {
		a.header = h
		if got := a.call("POST", "/api/v1/rooms", room); got.status != 201 {
			t.Errorf("%s: %s", what, got.raw)
		}
	}
	p := w.portal("198.51.100.1")
	p.header.Set("Origin", "https://portal.test")
	p.header.Set("Sec-Fetch-Site", "cross-site")
	p.makeRoom()
}

// bodies is every POST that reads one, with its route's budget out of the way.
func bodies(w *world) []string {
	var out []string
	for _, r := range slices.Concat(w.api.pages(), w.api.programs()) {
		method, path, _ := strings.Cut(r.pattern, " ")
		if (method == "POST" || method == "PATCH") && path != "/api/v1/sign-out" && !strings.HasSuffix(path, "/logout") { // a provider's is a form
			out = append(out, r.pattern)
		}
	}
	return out
}

func TestBodiesAreOneStrictObject(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	u := a.user("zhao", "192.0.2.3")
	fill := strings.NewReplacer("{room}", a.room("open"), "{id}", u.userID)
	p := w.portal("198.51.100.1")
	send := func(pattern, kind, in string) reply {
		method, path, _ := strings.Cut(pattern, " ")
		who := a
		if strings.HasPrefix(path, programsPrefix) {
			who = p.bearer().agent
		}
		who.header.Set("Content-Type", kind)
		defer who.header.Del("Content-Type")
		return who.call(method, fill.Replace(path), in)
	}
	for _, path := range bodies(w) {
		for what, kind := range map[string]string{"form": "application/x-www-form-urlencoded", "text": "text/plain", "none": "", "broken": "application/json; x", "like": "application/json-patch+json"} {
			if got := send(path, kind, `{}`); got.status != 400 || got.code != "bad_request" {
				t.Errorf("%s: Content-Type %s: %d %s", path, what, got.status, got.raw)
			}
		}
		for what, in := range map[string]string{
			"nothing": ``, "null": `null`, "list": `[]`, "text": `"x"`, "cut": `{`, "two": `{}{}`, "trailing": `{} x`, "unknown": `{"zz":1}`,
			"unknown beside": `{"title":"x","admin":true}`, "deep": strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000),
			"not UTF-8": "{\"name\":\"\xff\"}", "kinds": `{"name":1,"title":2,"code":3,"jkt":4,"password":5,"login":6,"token":7,"old":8,"new":9}`,
		} {
			if got := send(path, "application/json; charset=utf-8", in); got.status != 400 || got.code != "bad_request" {
				t.Errorf("%s: %s: %d %s", path, what, got.status, got.raw)
			}
		}
		most := maxBody
		if strings.HasPrefix(path, "POST /api/v1/policy") {
			most = maxPolicyBody
		}
		if got := send(path, "application/json", `{"x":"`+strings.Repeat("x", most)+`"}`); got.status != 413 || got.code != "too_large" {
			t.Errorf("%s: large: %d %s", path, got.status, got.raw)
		}
		w.pass(30 * time.Second) // budgets
	}
	for what, in := range map[string]string{
		"twice": `{"title":"a","title":"b"}`, "other case": `{"Title":"a"}`, "null": `{"title":null}`, "kind": `{"title":["a"]}`, "missing": `{"class":"open"}`,
	} {
		if got := send("POST /api/v1/rooms", "application/json", in); got.status != 400 || strings.Contains(got.raw, "Go ") {
			t.Errorf("%s: %d %s", what, got.status, got.raw)
		}
	}
}

func TestNamesThatDeceiveAreRefused(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	door := "/api/v1/rooms/" + a.room("open") + "/lobby"
	guest := w.agent("192.0.2.7")
	for _, bad := range []string{
		"", "   ", "a\u202eb", "a\u2066b", "\u200b", "\u200d", "\u2800", "\u3164\u3164", "a\u00adb", "a\x00b", "a\nb", "a\u2028b", "a\ufffdb",
		"a\U000e0041b", "a\u115fb", strings.Repeat("x", maxTitle+1), strings.Repeat("语", 60),
	} {
		if got := guest.call("POST", door, fields{"jkt": thumb, "name": bad}); got.status != 400 || got.code != "bad_request" {
			t.Errorf("%+q as a name: %d %s", bad, got.status, got.raw)
		}
	}
	for _, bad := range []string{"", "a\u202eb", "a\x00b", "\u200d", strings.Repeat("语", maxTitle+1)} {
		if got := a.call("POST", "/api/v1/rooms", fields{"title": bad}); got.status != 400 {
			t.Errorf("%+q as a title: %d %s", bad, got.status, got.raw)
		}
	}
	for _, good := range []string{"李月", "Zoë O’Brien", "می\u200cخواهم", "👩\u200d👩\u200d👧 family", "عائشة", "Ж", "3"} {
		if got := guest.call("POST", door, fields{"jkt": thumb, "name": good}); got.status != 200 {
			t.Errorf("%+q as a name: %d %s", good, got.status, got.raw)
		}
		a.want(201, "", "POST", "/api/v1/rooms", fields{"title": good})
	}
}

// Nobody learns from an answer whether an account exists, waits for its owner or is disabled.
func TestARefusedSignInTellsNothing(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	u := a.user("disabled", "192.0.2.3")
	a.want(204, "", "POST", "/api/v1/users/"+u.userID+"/disable", fields{})
	a.want(201, "", "POST", "/api/v1/users", fields{"login": "invited", "name": "Invited", "role": "user"})
	logins := map[string]string{"unknown": password, "lin.yue": "not this one at all", "disabled": password, "invited": password, "no such spelling!": password, "\x00": password}
	var first reply
	for name, pass := range logins {
		got := w.agent("192.0.2.9").signIn(name, pass)
		if got.status != 401 || got.code != "invalid_credentials" || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %s", name, got.raw)
		}
		if first.raw == "" {
			first = got
		}
		if got.raw != first.raw || len(got.header) != len(first.header) {
			t.Errorf("%s: %s %v, another got %s %v", name, got.raw, got.header, first.raw, first.header)
		}
	}
	for _, name := range []string{"unknown", "lin.yue"} {
		var codes []string
		for i := range 8 {
			got := w.agent("192.0.2.10").signIn(name, "guess number one two")
			codes = append(codes, got.code)
			if got.status == 429 && (got.retry <= 0 || got.header.Get("Retry-After") == "") {
				t.Errorf("%s, try %d: %s", name, i, got.raw)
			}
		}
		if codes[3] != "invalid_credentials" || codes[7] != "throttled" {
			t.Errorf("%s: %v", name, codes)
		}
	}
	if got := w.agent("192.0.2.11").signIn("lin.yue", password); got.status != 429 || got.code != "throttled" {
		t.Errorf("the right password while throttled: %s", got.raw)
	}
	w.pass(15 * time.Minute)
	if got := w.agent("192.0.2.11").signIn("lin.yue", password); got.status != 200 {
		t.Errorf("after the wait: %s", got.raw)
	}
}

func TestCodesAreNotGuessed(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	b := w.agent("192.0.2.9")
	b.secret = a.secret
	b.signIn("lin.yue", password)
	last := reply{}
	for range 11 {
		last = b.call("POST", "/api/v1/second-factor", fields{"code": "00000a"})
	}
	if last.status != 429 || last.code != "throttled" || last.retry < (14*time.Minute).Milliseconds() {
		t.Fatal(last.raw)
	}
	if got := b.call("POST", "/api/v1/second-factor", fields{"code": b.code()}); got.status != 429 {
		t.Errorf("the right code while throttled: %s", got.raw)
	}
}

func TestBudgetsAreByAddressAndNotByWhatAClientClaims(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.agent("192.0.2.9")
	guess := fields{"token": "x", "password": password}
	for range guessBurst {
		a.want(403, "invite_invalid", "POST", "/api/v1/invite", guess)
	}
	got := a.want(429, "rate_limited", "POST", "/api/v1/invite", guess)
	if got.retry <= 0 || got.retry > 1000 || got.header.Get("Retry-After") != "1" {
		t.Errorf("%s, Retry-After %q", got.raw, got.header.Get("Retry-After"))
	}
	a.want(200, "", "GET", "/api/v1/setup", nil) // its own budget
	a.address = "203.0.113.5, 192.0.2.9"         // the left of it is the client's own word
	a.want(429, "rate_limited", "POST", "/api/v1/invite", guess)
	a.address = "192.0.2.10"
	a.want(403, "invite_invalid", "POST", "/api/v1/invite", guess)
	a.address = "192.0.2.9"
	w.pass(time.Duration(got.retry) * time.Millisecond)
	a.want(403, "invite_invalid", "POST", "/api/v1/invite", guess)
	for range burst {
		a.call("GET", "/api/v1/setup", nil)
	}
	a.want(429, "rate_limited", "GET", "/api/v1/setup", nil)
}

func TestWhatIsNotThereIsSaidInJSON(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.agent("192.0.2.9")
	for _, path := range []string{"/api/v1/", "/api/v1/nothing", "/api/v1/client/nothing", "/api/v1/client/rooms/x", "/api/v1/rooms/a/b/c"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			if path == "/api/v1/client/rooms/x" && (method == "DELETE" || method == "PATCH") { // which are there
				continue
			}
			a.want(404, "not_found", method, path, nil)
		}
	}
	a.want(404, "not_found", "PUT", "/api/v1/me", nil)
}
