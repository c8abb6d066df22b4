package api

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"incamera/auth/role"
	"incamera/auth/seal"
)

func TestAnAdministratorSeesWhereSomebodyIsSignedInAndSignsThemOut(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	zhao := admin.user("zhao", "192.0.2.3")
	path := "/api/v1/users/" + zhao.userID + "/sessions"
	list := admin.want(200, "", "GET", path, nil).body["sessions"].([]any)
	if s := list[0].(map[string]any); len(list) != 1 || s["address"] != "192.0.2.3" || s["current"] != false || s["signed_in"] != true {
		t.Fatal(list)
	}
	admin.want(204, "", "DELETE", path, nil)
	zhao.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	admin.want(200, "", "GET", "/api/v1/me", nil)
	admin.want(403, "forbidden", "DELETE", "/api/v1/users/"+admin.userID+"/sessions", nil)
	admin.want(404, "not_found", "DELETE", "/api/v1/users/u_none/sessions", nil)
	w.pass(thisHour + time.Second)
	admin.want(403, "second_factor_required", "GET", path, nil)
	if log := strings.Join(w.entries(), "\n"); strings.Count(log, "session.end_all u:"+admin.userID+" "+zhao.userID+" ok") != 1 {
		t.Error(log)
	}
}

func TestWhoMayEndRoomsSeesThemAllAndEndsAMeetingFromOutside(t *testing.T) {
	var ended []string
	w := buildWorld(t, httpsURL, func(o *Options, _ *seal.Keys) {
		o.Ended = func(_ context.Context, room string) { ended = append(ended, room) }
	})
	admin := w.admin()
	zhao, wei := admin.user("zhao", "192.0.2.3"), admin.user("wei", "192.0.2.4")
	officer := admin.as("chen", "192.0.2.5", role.Security)
	a, b := zhao.room("internal"), wei.room("internal")
	rooms := officer.want(200, "", "GET", "/api/v1/rooms/all", nil).body["rooms"].([]any)
	if len(rooms) != 2 {
		t.Fatal(rooms)
	}
	for _, one := range rooms {
		one := one.(map[string]any)
		if one["id"] == a && (one["owner"] != "u:"+zhao.userID || one["owner_name"] == "" || one["class"] != "internal") {
			t.Error(one)
		}
	}
	last := rooms[1].(map[string]any)["id"].(string)
	if rest := officer.want(200, "", "GET", "/api/v1/rooms/all?after="+last, nil).body["rooms"].([]any); len(rest) != 0 {
		t.Error(rest)
	}
	officer.want(400, "bad_request", "GET", "/api/v1/rooms/all?after=x", nil)
	zhao.want(403, "forbidden", "GET", "/api/v1/rooms/all", nil)

	zhao.want(403, "forbidden", "POST", "/api/v1/rooms/"+b+"/end", fields{})
	zhao.want(204, "", "POST", "/api/v1/rooms/"+a+"/end", fields{})
	officer.want(204, "", "POST", "/api/v1/rooms/"+b+"/end", fields{})
	if !slices.Equal(ended, []string{a, b}) {
		t.Error(ended)
	}
	zhao.want(200, "", "GET", "/api/v1/rooms/"+a, nil)
	w.pass(thisHour + time.Second)
	officer.want(403, "second_factor_required", "POST", "/api/v1/rooms/"+b+"/end", fields{})
	if log := strings.Join(w.entries(), "\n"); !strings.Contains(log, "room.end u:"+officer.userID+" "+b+" ok") {
		t.Error(log)
	}
}
