package api

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"incamera/auth/token"
)

func (p *portal) makeRoom() string {
	p.t.Helper()
	return p.bearer().want(201, "", "POST", "/api/v1/client/rooms", fields{"title": "Consultation", "class": "confidential"}).text("id")
}

func (p *portal) person() fields {
	return fields{"user": fields{"id": "kim", "name": "Kim"}, "jkt": thumb, "amr": []string{"pwd", "otp"}, "auth_time": p.clock().Unix()}
}

func TestAPortalBringsItsOwnPeopleToItsOwnRooms(t *testing.T) {
	w := newWorld(t, httpsURL)
	p := w.portal("198.51.100.1")
	path := "/api/v1/client/rooms/" + p.makeRoom() + "/tokens"
	got := p.bearer().want(200, "", "POST", path, p.person())
	said, err := w.tokens.Room(got.text("token"))
	must(t, err)
	if said.Key != thumb || said.Subject != "c:"+p.id+":kim" || said.Role != token.RoleParticipant || said.Client != p.id || said.Assurance != token.AssuranceMFA {
		t.Errorf("%+v", said)
	}
	with := func(k string, v any) fields {
		f := p.person()
		if v == nil {
			delete(f, k)
		} else {
			f[k] = v
		}
		return f
	}
	for what, in := range map[string]fields{
		"no amr": with("amr", nil), "one factor": with("amr", []string{"pwd"}), "no auth_time": with("auth_time", nil),
		"stale": with("auth_time", w.clock().Add(-2*time.Hour-time.Second).Unix()), "to come": with("auth_time", w.clock().Add(time.Minute).Unix()),
		"far past": with("auth_time", int64(-1<<62)), "far future": with("auth_time", int64(1<<62)),
	} {
		if got := p.bearer().call("POST", path, in); got.status != 403 || got.code != "second_factor_required" {
			t.Errorf("%s: %s", what, got.raw)
		}
	}
	for what, in := range map[string]fields{
		"role": with("role", "owner"), "jkt": with("jkt", "x"), "user": with("user", fields{"id": "", "name": "Kim"}),
		"name": with("user", fields{"id": "kim", "name": "Kim\u202e"}), "long id": with("user", fields{"id": strings.Repeat("k", 200), "name": "Kim"}),
		"no user": with("user", nil), "amr is no list": with("amr", "otp"),
	} {
		if got := p.bearer().call("POST", path, in); got.status != 400 || got.code != "bad_request" {
			t.Errorf("%s: %s", what, got.raw)
		}
	}
	other := w.portal("198.51.100.2")
	other.bearer().want(403, "forbidden", "POST", path, other.person())
	other.bearer().want(403, "forbidden", "DELETE", strings.TrimSuffix(path, "/tokens"), nil)
	mine := w.admin().room("open")
	p.bearer().want(403, "forbidden", "POST", "/api/v1/client/rooms/"+mine+"/tokens", p.person())
	p.bearer().want(403, "forbidden", "DELETE", "/api/v1/client/rooms/"+mine, nil)
	p.bearer().want(204, "", "DELETE", strings.TrimSuffix(path, "/tokens"), nil)
	p.bearer().want(404, "not_found", "POST", path, p.person())
}

func TestAnAssertionCountsOnceAndOnlyAsItMust(t *testing.T) {
	w := newWorld(t, httpsURL)
	p := w.portal("198.51.100.1")
	room := fields{"title": "X"}
	p.bearer().want(201, "", "POST", "/api/v1/client/rooms", room)
	p.want(401, "token_used", "POST", "/api/v1/client/rooms", room)
	now := w.clock().Unix()
	var refusals []string
	for what, change := range map[string]func(map[string]any){
		"audience": func(c map[string]any) { c["aud"] = "https://other.test" }, "audience list": func(c map[string]any) { c["aud"] = []string{httpsURL} },
		"subject": func(c map[string]any) { c["sub"] = "other" }, "issuer": func(c map[string]any) { c["iss"], c["sub"] = "cnobody", "cnobody" },
		"over": func(c map[string]any) { c["iat"], c["exp"] = now-120, now-60 }, "lives long": func(c map[string]any) { c["exp"] = now + 61 },
		"to come": func(c map[string]any) { c["iat"], c["exp"] = now+30, now+60 }, "not before": func(c map[string]any) { c["nbf"] = now + 30 },
		"no id": func(c map[string]any) { c["jti"] = "" }, "nul": func(c map[string]any) { c["iss"], c["sub"] = "\x00", "\x00" },
	} {
		p.header.Set("Authorization", "Bearer "+p.assertion(change))
		got := p.call("POST", "/api/v1/client/rooms", room)
		if got.status != 401 || got.code != "unauthorized" {
			t.Errorf("%s: %s", what, got.raw)
		}
		refusals = append(refusals, got.raw)
	}
	good := p.assertion(nil)
	_, p.key, _ = ed25519.GenerateKey(rand.Reader)
	for _, value := range []string{
		"", "Bearer", "Bearer ", "Basic " + good, good, "Bearer " + good + ".x", "Bearer " + strings.Repeat(".", 10_000),
		"Bearer " + p.assertion(nil), "Bearer eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + ".",
	} {
		p.header.Set("Authorization", value)
		refusals = append(refusals, p.want(401, "unauthorized", "POST", "/api/v1/client/rooms", room).raw)
	}
	for _, r := range refusals {
		if r != refusals[0] {
			t.Errorf("refusals differ: %s and %s", r, refusals[0])
		}
	}
}

func TestScopesAndDisabledClients(t *testing.T) {
	w := newWorld(t, httpsURL)
	p := w.portal("198.51.100.1", "tokens")
	p.bearer().want(403, "forbidden", "POST", "/api/v1/client/rooms", fields{"title": "X"})
	p.bearer().want(403, "forbidden", "DELETE", "/api/v1/client/rooms/k7m2q9xw4d", nil)
	q := w.portal("198.51.100.2", "rooms")
	path := "/api/v1/client/rooms/" + q.makeRoom() + "/tokens"
	q.bearer().want(403, "forbidden", "POST", path, q.person())
	must(t, w.registry.Disable(context.Background(), q.id))
	q.bearer().want(401, "unauthorized", "POST", "/api/v1/client/rooms", fields{"title": "X"})
	both := w.portal("198.51.100.3")
	both.cookie = w.admin().cookie // a cookie adds nothing to an assertion, and replaces none
	both.makeRoom()
	both.header.Del("Authorization")
	both.want(401, "unauthorized", "POST", "/api/v1/client/rooms", fields{"title": "X"})
}

func TestNobodyPassesWhileTheMemoryOfAssertionsIsGone(t *testing.T) {
	w := newWorld(t, httpsURL)
	p := w.portal("198.51.100.1")
	must(t, w.redis.Close())
	got := p.bearer().want(503, "unavailable", "POST", "/api/v1/client/rooms", fields{"title": "X"})
	if got.retry <= 0 || got.header.Get("Retry-After") == "" {
		t.Error(got.raw)
	}
}

func TestRefusedAssertionsHaveASmallBudget(t *testing.T) {
	w := newWorld(t, httpsURL)
	p := w.portal("198.51.100.1")
	p.header.Set("Authorization", "Bearer x.y.z")
	for range guessBurst {
		p.want(401, "unauthorized", "POST", "/api/v1/client/rooms", fields{"title": "X"})
	}
	before := len(w.entries())
	p.want(429, "rate_limited", "POST", "/api/v1/client/rooms", fields{"title": "X"})
	if len(w.entries()) != before {
		t.Error("a refusal beyond the budget is on record")
	}
	p.makeRoom() // good assertions go on
	if before != guessBurst {
		t.Errorf("%d entries", before)
	}
}
