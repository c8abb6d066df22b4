package api

import (
	"context"
	"slices"
	"testing"

	"incamera/auth/store"
)

func TestARoomIsChangedByWhoHostsItAndByNobodyElse(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	owner, other, cohost, host := a.user("zhao", "192.0.2.3"), a.user("sun", "192.0.2.4"), a.user("wei", "192.0.2.5"), a.user("li", "192.0.2.6")
	room := owner.room("internal")
	for who, role := range map[*agent]string{cohost: "cohost", host: "host"} {
		must(t, w.store.Members.Set(context.Background(), store.Member{Room: room, Subject: who.subject(), Role: role}))
	}
	path := "/api/v1/rooms/" + room
	for _, who := range []*agent{other, cohost} {
		who.want(403, "forbidden", "PATCH", path, fields{"version": 1, "title": "Mine"})
	}
	got := owner.want(200, "", "PATCH", path, fields{"version": 1, "title": "Budget", "class": "confidential", "locked": true, "acr": "phishing_resistant", "max_age": 600})
	for field, want := range map[string]any{
		"title": "Budget", "class": "confidential", "locked": true, "version": 2.0, "watermark": true, "recording": false, "lobby": "always", "acr": "phishing_resistant", "max_age": 600.0,
	} {
		if got.body[field] != want {
			t.Errorf("%s: %v, want %v", field, got.body[field], want)
		}
	}
	host.want(403, "second_factor_required", "PATCH", path, fields{"version": 2, "acr": ""}) // who could not enter it does not open it
	if got := w.last("room.update"); got.Result != "second_factor_required" {
		t.Errorf("the refusal is on record as %s", got.Result)
	}
	control := owner.room("internal")
	must(t, w.store.Members.Set(context.Background(), store.Member{Room: control, Subject: host.subject(), Role: "host"}))
	host.want(200, "", "PATCH", "/api/v1/rooms/"+control, fields{"version": 1, "title": "Renamed"})
	if got := w.last("room.update"); got.Meta != `{"title":"Budget → Renamed"}` || got.Object != control {
		t.Errorf("on record: %+v", got)
	}
}

// A security officer makes any room ask for more, and none for less.
func TestAnOfficerOnlyTightens(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	owner := a.user("zhao", "192.0.2.3")
	path := "/api/v1/rooms/" + owner.room("internal")
	a.want(200, "", "PATCH", path, fields{"version": 1, "class": "confidential", "locked": true})
	for _, in := range []fields{{"class": "internal"}, {"locked": false}, {"title": "Mine"}, {"participants_publish": false}} {
		in["version"] = 2
		a.want(403, "forbidden", "PATCH", path, in)
	}
	owner.want(200, "", "PATCH", path, fields{"version": 2, "class": "internal", "locked": false}) // control
}

func TestTwoWhoChangeARoomDoNotOverwriteEachOther(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	path := "/api/v1/rooms/" + a.room("internal")
	a.want(200, "", "PATCH", path, fields{"version": 1, "title": "First"})
	a.want(409, "conflict", "PATCH", path, fields{"version": 1, "title": "Second"})
	a.want(200, "", "PATCH", path, fields{"version": 2, "title": "First"}) // nothing else: nothing changes
	a.want(200, "", "PATCH", path, fields{"version": 2, "title": "Second"})
	for what, in := range map[string]fields{
		"no version": {"title": "X"}, "a name that is none": {"version": 3, "owner": "u:me"}, "no title": {"version": 3, "title": " "}, "no class": {"version": 3, "class": "x"},
		"no lobby": {"version": 3, "lobby": "open"}, "too young a factor": {"version": 3, "max_age": 1}, "a kind of assurance": {"version": 3, "acr": "guest"},
		"too many screens": {"version": 3, "screens": 99}, "null": {"version": 3, "title": nil},
	} {
		if got := a.call("PATCH", path, in); got.status != 400 || got.code != "bad_request" {
			t.Errorf("%s: %s", what, got.raw)
		}
	}
}

func TestWhatAClassDemandsARoomDoesNotLoosen(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	path := "/api/v1/rooms/" + a.room("secret")
	for _, in := range []fields{{"lobby": "guests"}, {"watermark": false}, {"guests": true}} {
		in["version"] = 1
		a.want(409, "class_demands_more", "PATCH", path, in)
	}
	open := "/api/v1/rooms/" + a.room("open")
	got := a.want(200, "", "PATCH", open, fields{"version": 1, "lobby": "always", "watermark": true, "guests": false}) // control: more is had
	if got.text("lobby") != "always" || got.body["watermark"] != true || got.body["guests"] != false || got.text("portals") != "trusted" {
		t.Error(got.raw)
	}
	got = a.want(200, "", "PATCH", open, fields{"version": 2, "lobby": "", "watermark": false, "guests": true}) // and given back
	if got.text("lobby") != "guests" || got.body["watermark"] != false || got.body["guests"] != true {
		t.Error(got.raw)
	}
	a.want(409, "class_demands_more", "POST", "/api/v1/rooms", fields{"title": "X", "class": "confidential", "lobby": "guests"})
	a.want(201, "", "POST", "/api/v1/rooms", fields{"title": "X", "class": "internal", "lobby": "always", "watermark": true})
}

func TestWhilePeopleAreInsideARoomOnlyAsksForMore(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	room := a.room("confidential")
	path := "/api/v1/rooms/" + room
	var told []store.Room
	w.api.tell = func(_ context.Context, before, after store.Room) { told = append(told, before, after) }
	inside := true
	w.api.inside = func(_ context.Context, id string) (bool, error) { return inside && id == room, nil }
	for _, in := range []fields{{"class": "internal"}, {"class": "open"}} {
		in["version"] = 1
		a.want(409, "room_in_use", "PATCH", path, in)
	}
	a.want(200, "", "PATCH", path, fields{"version": 1, "class": "secret", "max_age": 600, "title": "Tighter", "locked": true})
	if len(told) != 2 || told[0].Class != "confidential" || told[1].Class != "secret" || !told[1].RulesAt.Equal(w.clock()) {
		t.Errorf("the meeting was told %+v", told)
	}
	a.want(409, "room_in_use", "PATCH", path, fields{"version": 2, "max_age": 0})
	a.want(409, "room_in_use", "PATCH", path, fields{"version": 2, "class": "confidential"})
	a.want(200, "", "PATCH", path, fields{"version": 2, "locked": false}) // the lock is no demand
	inside = false
	a.want(200, "", "PATCH", path, fields{"version": 3, "class": "open", "max_age": 0}) // control: they have left
	w.api.inside = func(context.Context, string) (bool, error) { return false, context.DeadlineExceeded }
	a.want(200, "", "PATCH", path, fields{"version": 4, "class": "internal", "lobby": "always"})
	a.want(503, "unavailable", "PATCH", path, fields{"version": 5, "lobby": ""}) // it cannot be told who is inside
}

func TestWhoMayNotMakeRoomsOfAClassDoesNotTurnOneIntoIt(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	u := a.user("zhao", "192.0.2.3")
	u.want(403, "class_not_allowed", "POST", "/api/v1/rooms", fields{"title": "X", "class": "secret"})
	u.want(403, "class_not_allowed", "PATCH", "/api/v1/rooms/"+u.room("internal"), fields{"version": 1, "class": "secret"})
	a.want(201, "", "POST", "/api/v1/rooms", fields{"title": "X", "class": "secret"}) // control: who holds an organiser's power
	names := func(who *agent) (out []string) {
		for _, c := range who.want(200, "", "GET", "/api/v1/rooms", nil).body["classes"].([]any) {
			out = append(out, c.(map[string]any)["class"].(string))
		}
		return out
	}
	if len(names(u)) != 3 || len(names(a)) != 4 {
		t.Errorf("offered %v and %v", names(u), names(a))
	}
}

func TestAClientChangesItsOwnRooms(t *testing.T) {
	w := newWorld(t, httpsURL)
	p, q := w.portal("198.51.100.1"), w.portal("198.51.100.2")
	room := p.makeRoom()
	path := "/api/v1/client/rooms/" + room
	q.bearer().want(403, "forbidden", "PATCH", path, fields{"version": 1, "title": "Theirs"})
	got := p.bearer().want(200, "", "PATCH", path, fields{"version": 1, "title": "Ours", "class": "secret"})
	if got.text("title") != "Ours" || got.text("class") != "secret" {
		t.Error(got.raw)
	}
	p.bearer().want(409, "conflict", "PATCH", path, fields{"version": 1, "title": "Again"})
}

func TestAnOfficerTrustsAClient(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	p := w.portal("198.51.100.1")
	path := "/api/v1/clients/" + p.id
	a.user("zhao", "192.0.2.3").want(403, "forbidden", "PATCH", path, fields{"trusted": true})
	if got := a.want(200, "", "PATCH", path, fields{"trusted": true}); got.body["trusted"] != true {
		t.Error(got.raw)
	}
	if got := w.last("client.trust"); got.Object != p.id || got.Meta != `{"trusted":"false → true"}` {
		t.Errorf("on record: %+v", got)
	}
	list := a.want(200, "", "GET", "/api/v1/clients", nil).body["clients"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["trusted"] != true {
		t.Errorf("listed: %v", list)
	}
	a.want(404, "not_found", "PATCH", "/api/v1/clients/nobody", fields{"trusted": true})
}

// subject is who the record says the agent is.
func (a *agent) subject() string {
	a.t.Helper()
	me := a.want(200, "", "GET", "/api/v1/me", nil).body["user"].(map[string]any)
	return "u:" + me["id"].(string)
}

// last is the newest entry of a verb.
func (w *world) last(verb string) store.AuditRow {
	w.t.Helper()
	rows, err := w.store.Audit.After(context.Background(), 0, 10_000)
	must(w.t, err)
	for _, r := range slices.Backward(rows) {
		if r.Verb == verb {
			return r
		}
	}
	w.t.Fatalf("%s is not on record", verb)
	return store.AuditRow{}
}
