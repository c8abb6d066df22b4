package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"incamera/auth/role"
	"incamera/signaling/internal/celltest"
)

// ofOthers are routes where a role is not all: the room of the table belongs to somebody else, and its own things are
// for its hosts.
var ofOthers = []string{
	"PATCH /api/v1/rooms/{room}", "DELETE /api/v1/rooms/{room}", "GET /api/v1/rooms/{room}/stream-keys", "POST /api/v1/rooms/{room}/stream-keys",
	"DELETE /api/v1/rooms/{room}/stream-keys/{id}", "POST /api/v1/rooms/{room}/end",
	"GET /api/v1/rooms/{room}/guest-links", "POST /api/v1/rooms/{room}/guest-links", "DELETE /api/v1/rooms/{room}/guest-links/{id}",
}

// Every route by an account of every role, against testdata/roles.txt. What a role lacks the permission for is
// forbidden, whatever the file says, and what it has is not.
func TestEveryRouteByEveryRole(t *testing.T) {
	columns := []string{"nobody"}
	for _, r := range slices.Backward(role.All()) {
		columns = append(columns, string(r))
	}
	got := celltest.New("route", columns...)
	got.Columns = append(columns, "needs")
	w := newWorld(t, httpsURL)
	for _, r := range slices.Concat(w.api.pages(), w.api.programs()) {
		cells := byRole(t, r)
		for c, cell := range cells {
			got.Set(r.pattern, c, cell)
			held := c != "nobody" && w.api.roles.May(role.Role(c), r.needs)
			open := r.needs == role.Anyone || r.needs == role.Session || r.needs == role.Program
			switch {
			case open || c == "nobody":
				if !open && cell != "401 unauthenticated" {
					t.Errorf("%s, %s: %s", r.pattern, c, cell)
				}
			case !held && cell != "403 forbidden":
				t.Errorf("%s, %s lacks %s: %s", r.pattern, c, r.needs, cell)
			case held && cell == "403 forbidden" && !slices.Contains(ofOthers, r.pattern):
				t.Errorf("%s, %s has %s: %s", r.pattern, c, r.needs, cell)
			}
		}
		got.Set(r.pattern, "needs", string(r.needs))
	}
	celltest.Hold(t, "testdata/roles.txt", got)
}

// byRole asks one route as everybody, each about an account and a room that nobody asked about before.
func byRole(t *testing.T, r route) map[string]string {
	w := newWorld(t, httpsURL)
	sole := w.admin()
	owner := sole.user("owner", "192.0.2.100")
	method, path, ok := strings.Cut(r.pattern, " ")
	if !ok {
		method, path = "PATCH", r.pattern+"anything"
	}
	cells := map[string]string{}
	for i, one := range append([]role.Role{"nobody"}, role.All()...) {
		who := w.agent("192.0.2.2")
		if one == role.Sole {
			who = sole.as("second", "192.0.2.200", one)
		} else if one != "nobody" {
			who = sole.as(fmt.Sprintf("person%d", i), fmt.Sprintf("192.0.2.%d", 10+i), one)
		}
		s := &stage{target: sole.want(201, "", "POST", "/api/v1/users", fields{"login": fmt.Sprintf("target%d", i), "name": "T", "role": "user"}).text("id")}
		s.room, s.session = owner.room("internal"), ownSession(owner)
		id := s.target
		if strings.Contains(path, "/sessions/") {
			id = s.session
		}
		var in any
		if b := table[r.pattern].body; b != nil {
			in = b(s, who)
		}
		if r.pattern == "POST /api/v1/users" {
			in = fields{"login": fmt.Sprintf("new%d", i), "name": "New", "role": "user"}
		}
		if r.pattern == "POST /api/v1/policy" { // whoever may makes a version
			now, err := w.policy.Version(t.Context(), -1)
			must(t, err)
			in = fields{"text": allowAll, "comment": "why", "after": now.Version}
		}
		got := who.call(method, strings.NewReplacer("{room}", s.room, "{id}", id, "{identity}", "i_none", "{provider}", "none", "{version}", "0").Replace(path), in)
		cells[string(one)] = strings.TrimSpace(strconv.Itoa(got.status) + " " + got.code)
	}
	return cells
}
