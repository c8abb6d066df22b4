package api

import (
	"context"
	"slices"
	"testing"
	"time"

	"incamera/auth/store"
	"incamera/auth/token"
)

const thumb2 = "1ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

func TestARoomTokenNeedsAFreshFactorAndIsForOneKey(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	room := a.room("internal")
	path := "/api/v1/rooms/" + room + "/token"
	got := a.want(200, "", "POST", path, fields{"jkt": thumb})
	said, err := w.tokens.Room(got.text("token"))
	must(t, err)
	if said.Key != thumb || said.Room != room || said.Role != token.RoleHost || said.Participant != got.text("participant") || said.Name != "Lin Yue" {
		t.Errorf("%+v", said)
	}
	if left := time.UnixMilli(int64(got.body["expires_at_ms"].(float64))).Sub(w.clock()); left <= 0 || left > time.Minute {
		t.Errorf("lives for %s", left)
	}
	a.want(400, "bad_request", "POST", path, fields{"jkt": "short"})
	a.want(404, "not_found", "POST", "/api/v1/rooms/k7m2q9xw4d/token", fields{"jkt": thumb})
	a.want(404, "not_found", "POST", "/api/v1/rooms/%00/token", fields{"jkt": thumb})

	w.pass(2*time.Hour + time.Second)
	a.want(200, "", "GET", "/api/v1/me", nil) // signed in still
	a.want(403, "second_factor_required", "POST", path, fields{"jkt": thumb})
	a.want(403, "second_factor_required", "POST", "/api/v1/rooms/"+room+"/lobby", fields{"jkt": thumb, "name": "Lin"})
	a.want(200, "", "POST", "/api/v1/second-factor", fields{"code": a.code()})
	a.want(200, "", "POST", path, fields{"jkt": thumb})
}

func TestClassesAndBansDecideWhoWalksIn(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	u := a.user("zhao", "192.0.2.3")
	for class, code := range map[string]string{"open": "", "internal": "", "confidential": "lobby_required", "secret": "lobby_required"} {
		status := 200
		if code != "" {
			status = 403
		}
		u.want(status, code, "POST", "/api/v1/rooms/"+a.room(class)+"/token", fields{"jkt": thumb2})
	}
	room := a.room("open")
	must(t, w.store.Bans.Add(context.Background(), store.Ban{Room: room, Subject: "u:" + u.userID, Actor: "u:" + a.userID, CreatedAt: w.clock()}))
	u.want(403, "banned", "POST", "/api/v1/rooms/"+room+"/token", fields{"jkt": thumb2})
	u.want(403, "banned", "POST", "/api/v1/rooms/"+room+"/lobby", fields{"jkt": thumb2})
}

func TestGuestsWaitWhereTheRoomTakesThem(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	guest := w.agent("192.0.2.7")
	room := a.room("confidential")
	got := guest.want(200, "", "POST", "/api/v1/rooms/"+room+"/lobby", fields{"jkt": thumb2, "name": " Maria Rossi "})
	pass, err := w.tokens.Lobby(got.text("pass"))
	must(t, err)
	if pass.Name != "Maria Rossi" || pass.Assurance != token.AssuranceGuest || pass.Key != thumb2 || pass.Room != room {
		t.Errorf("%+v", pass)
	}
	if _, err := w.tokens.Room(got.text("pass")); err == nil {
		t.Error("a pass is taken for a room token")
	}
	guest.want(401, "unauthenticated", "POST", "/api/v1/rooms/"+room+"/token", fields{"jkt": thumb2})
	guest.want(400, "bad_request", "POST", "/api/v1/rooms/"+room+"/lobby", fields{"jkt": thumb2})
	guest.want(403, "forbidden", "POST", "/api/v1/rooms/"+a.room("secret")+"/lobby", fields{"jkt": thumb2, "name": "Maria"})
	a.want(400, "bad_request", "POST", "/api/v1/rooms", fields{"title": "X", "class": "secret", "guests": true})
	closed := a.want(201, "", "POST", "/api/v1/rooms", fields{"title": "X", "class": "open", "guests": false}).text("id")
	guest.want(403, "forbidden", "POST", "/api/v1/rooms/"+closed+"/lobby", fields{"jkt": thumb2, "name": "Maria"})

	u := a.user("zhao", "192.0.2.3")
	got = u.want(200, "", "POST", "/api/v1/rooms/"+a.room("secret")+"/lobby", fields{"jkt": thumb2, "name": "The Boss"})
	if pass, err = w.tokens.Lobby(got.text("pass")); err != nil || pass.Name != "ZHAO" || pass.Assurance != token.AssuranceMFA {
		t.Errorf("an account waits as %+v (%v)", pass, err)
	}
}

func TestRoomsBelongToTheirMakers(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	u, v := a.user("zhao", "192.0.2.3"), a.user("sun", "192.0.2.4")
	room := u.room("internal")
	facts := w.agent("192.0.2.8").want(200, "", "GET", "/api/v1/rooms/"+room, nil)
	if len(facts.body) != 6 || facts.text("title") != "Budget" {
		t.Errorf("strangers learn %s", facts.raw)
	}
	v.want(403, "forbidden", "DELETE", "/api/v1/rooms/"+room, nil)
	if got := v.want(200, "", "GET", "/api/v1/rooms", nil); len(got.body["rooms"].([]any)) != 0 {
		t.Errorf("another's rooms: %s", got.raw)
	}
	if got := u.want(200, "", "GET", "/api/v1/rooms", nil); len(got.body["rooms"].([]any)) != 1 {
		t.Errorf("own rooms: %s", got.raw)
	}
	u.want(204, "", "DELETE", "/api/v1/rooms/"+room, nil)
	for _, gone := range []string{room, "k7m2q9xw4d", "%2e%2e", "%00"} {
		u.want(404, "not_found", "DELETE", "/api/v1/rooms/"+gone, nil)
	}
	a.want(204, "", "DELETE", "/api/v1/rooms/"+u.room("confidential"), nil) // an administrator cleans up
	if len(w.ended) != 2 || !slices.Contains(w.ended, room) {
		t.Errorf("meetings ended in %v", w.ended)
	}
	for range maxRooms {
		must(t, w.store.Rooms.Create(context.Background(), store.Room{ID: token.NewRoomID(), Owner: "u:" + v.userID, Class: "open"}))
	}
	v.want(409, "limit", "POST", "/api/v1/rooms", fields{"title": "One more"})
}
