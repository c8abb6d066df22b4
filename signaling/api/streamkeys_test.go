package api

import (
	"strings"
	"testing"
	"time"
)

func TestAHostIssuesAndRevokesStreamKeys(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	host := admin.user("zhao", "192.0.2.3")
	room := host.room("internal")
	path := "/api/v1/rooms/" + room + "/stream-keys"
	made := host.want(201, "", "POST", path, fields{"label": "Courtroom 4", "mode": "publish", "life_ms": 86400_000})
	secret, id := made.text("secret"), made.text("id")
	if !strings.HasPrefix(secret, "sk_") || made.text("url") != httpsURL+"/whip" {
		t.Fatal(made.raw)
	}
	list := host.want(200, "", "GET", path, nil)
	if strings.Contains(list.raw, "secret") || !strings.Contains(list.raw, id) {
		t.Fatal(list.raw)
	}
	host.want(201, "", "POST", path, fields{"label": "Wall", "mode": "play", "life_ms": 60_000})
	for _, bad := range []fields{
		{"label": "", "mode": "publish", "life_ms": 60_000}, {"label": "x", "mode": "both", "life_ms": 60_000},
		{"label": "x", "mode": "play", "life_ms": 31 * 86400_000}, {"label": "x", "mode": "play"},
		{"label": "x", "mode": "play", "life_ms": 60_000, "owner": "u:1"},
	} {
		host.want(400, "bad_request", "POST", path, bad)
	}
	other := admin.user("wei", "192.0.2.6")
	other.want(403, "forbidden", "GET", path, nil)
	other.want(403, "forbidden", "DELETE", path+"/"+id, nil)
	own := other.room("internal")
	other.want(404, "not_found", "DELETE", "/api/v1/rooms/"+own+"/stream-keys/"+id, nil)
	admin.want(200, "", "GET", path, nil)
	admin.want(204, "", "DELETE", path+"/"+id, nil)
	host.want(404, "not_found", "DELETE", path+"/"+id, nil)
	w.pass(3 * time.Hour) // the second factor is not fresh any more
	host.want(403, "second_factor_required", "POST", path, fields{"label": "Late", "mode": "play", "life_ms": 60_000})
	if strings.Contains(w.logs.String(), secret) {
		t.Error("the secret is in the log")
	}
}
