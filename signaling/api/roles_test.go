package api

import (
	"context"
	"slices"
	"testing"

	"incamera/auth/role"
	"incamera/auth/seal"
	"incamera/auth/store"
)

// as makes an account with a role.
func (a *agent) as(name, address string, r role.Role) *agent {
	a.t.Helper()
	u := a.user(name, address)
	must(a.t, a.store.Users.SetRole(context.Background(), u.userID, string(r)))
	return u
}

func TestARoleIsASecurityOfficersToGiveAndHoldsAtOnce(t *testing.T) {
	w := newWorld(t, httpsURL)
	lin := w.admin()
	system, security, zhao := lin.as("sys", "192.0.2.10", role.System), lin.as("sec", "192.0.2.11", role.Security), lin.user("zhao", "192.0.2.3")
	path := "/api/v1/users/" + zhao.userID + "/role"
	zhao.want(403, "forbidden", "GET", "/api/v1/audit", nil)
	zhao.want(403, "forbidden", "POST", path, fields{"role": "auditor"})
	system.want(403, "forbidden", "POST", path, fields{"role": "auditor"})
	security.want(204, "", "POST", path, fields{"role": "auditor"})
	zhao.want(200, "", "GET", "/api/v1/audit", nil)
	security.want(204, "", "POST", path, fields{"role": "user"})
	zhao.want(403, "forbidden", "GET", "/api/v1/audit", nil)
	for _, r := range []string{"admin", "sole_admin", "guest", "", "Auditor"} {
		security.want(400, "bad_request", "POST", path, fields{"role": r})
	}
	security.want(403, "forbidden", "POST", "/api/v1/users/"+security.userID+"/role", fields{"role": "system_admin"})
	security.want(404, "not_found", "POST", "/api/v1/users/u_none/role", fields{"role": "user"})
	if e := "account.role u:" + security.userID + " " + zhao.userID + " ok"; !slices.Contains(w.entries(), e) {
		t.Errorf("not on record: %s", e)
	}
}

// Three ways by which who makes accounts could become who decides.
func TestWhoMakesAccountsMakesNoAdministrators(t *testing.T) {
	w := newWorld(t, httpsURL)
	lin := w.admin()
	system, security := lin.as("sys", "192.0.2.10", role.System), lin.as("sec", "192.0.2.11", role.Security)
	for _, r := range []role.Role{role.System, role.Security, role.Auditor} {
		system.want(403, "forbidden", "POST", "/api/v1/users", fields{"login": "new", "name": "New", "role": string(r)})
	}
	made := system.want(201, "", "POST", "/api/v1/users", fields{"login": "new", "name": "New", "role": "user"})
	security.want(409, "conflict", "POST", "/api/v1/users/"+made.text("id")+"/role", fields{"role": "auditor"})
	invited := lin.want(201, "", "POST", "/api/v1/users", fields{"login": "officer", "name": "Officer", "role": "security_officer"})
	system.want(403, "forbidden", "POST", "/api/v1/users/"+invited.text("id")+"/invite", fields{})
	system.want(403, "forbidden", "POST", "/api/v1/users/"+security.userID+"/identities", fields{"provider": "corp", "subject": "1"})
	u, err := w.store.Users.Get(context.Background(), invited.text("id"))
	if err != nil || u.State != store.UserInvited {
		t.Fatal(u, err)
	}
}

func TestAloneIsOnlyWhereTheDeploymentSaysSo(t *testing.T) {
	w := buildWorld(t, httpsURL, func(o *Options, _ *seal.Keys) { o.Roles.SingleAdmin = false })
	first := w.admin()
	first.want(200, "", "GET", "/api/v1/users", nil)
	first.want(403, "forbidden", "GET", "/api/v1/audit", nil)
	first.want(403, "forbidden", "POST", "/api/v1/rooms", fields{"title": "Budget"})
	first.want(403, "forbidden", "POST", "/api/v1/users", fields{"login": "new", "name": "New", "role": "auditor"})
}

func TestUsersMakeRoomsOnlyWhereTheDeploymentSaysSo(t *testing.T) {
	w := buildWorld(t, httpsURL, func(o *Options, _ *seal.Keys) { o.Roles.UsersCreateRooms = false })
	lin := w.admin()
	lin.user("zhao", "192.0.2.3").want(403, "forbidden", "POST", "/api/v1/rooms", fields{"title": "Budget"})
	lin.as("meng", "192.0.2.4", role.Organiser).want(201, "", "POST", "/api/v1/rooms", fields{"title": "Budget"})
}
