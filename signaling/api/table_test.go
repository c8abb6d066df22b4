package api

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// row is what a route answers: to nobody, to somebody whose password was right (with a second factor to give, and
// without one yet), to a user and to an administrator.
type row struct {
	nobody, pending, newcomer, user, admin int
	body                                   func(s *stage, who *agent) any
}

// stage holds what the requests of the table are about.
type stage struct {
	room    string // of the user
	target  string // an account that waits for its owner
	session string // of somebody else
}

func empty(*stage, *agent) any { return fields{} }

func body(f fields) func(*stage, *agent) any { return func(*stage, *agent) any { return f } }

func code(_ *stage, who *agent) any {
	if who.secret == "" {
		return fields{"code": "123456"}
	}
	return fields{"code": who.code()}
}

// noPasskey is spelled like an answer and is none.
var noPasskey = fields{"credential": "AA", "client_data": "e30", "authenticator_data": "AA", "signature": "AA"}

// everyone is a row of routes that ask for no session.
func everyone(status int, b func(*stage, *agent) any) row {
	return row{status, status, status, status, status, b}
}

// allowAll is a policy that keeps nobody out.
const allowAll = "- {name: all, when: 'true', outcome: allow}\n"

var table = map[string]row{
	"GET /api/v1/me":                                  {401, 403, 403, 200, 200, nil},
	"GET /api/v1/setup":                               everyone(200, nil),
	"POST /api/v1/setup":                              everyone(409, body(fields{"token": "x", "login": "x", "name": "X", "password": password})),
	"POST /api/v1/invite":                             everyone(403, body(fields{"token": "x", "password": password})),
	"POST /api/v1/sign-in":                            everyone(200, body(fields{"login": "lin.yue", "password": password})),
	"GET /api/v1/sign-in":                             {401, 200, 200, 200, 200, nil},
	"GET /api/v1/sign-in/providers":                   everyone(200, nil),
	"POST /api/v1/sign-in/oidc/{provider}":            everyone(404, empty), // none is configured
	"GET /api/v1/sign-in/oidc/{provider}/callback":    everyone(404, nil),
	"POST /api/v1/second-factor/oidc":                 {401, 403, 403, 404, 404, empty}, // they came in here
	"POST /api/v1/oidc/{provider}/logout":             everyone(404, nil),
	"GET /api/v1/users/{id}/identities":               {401, 403, 403, 403, 200, nil},
	"POST /api/v1/users/{id}/identities":              {401, 403, 403, 403, 400, body(fields{"provider": "none", "subject": "1"})},
	"DELETE /api/v1/users/{id}/identities/{identity}": {401, 403, 403, 403, 404, nil},
	"POST /api/v1/sign-in/passkey/options":            everyone(200, empty),
	"POST /api/v1/sign-in/passkey":                    everyone(403, body(noPasskey)),
	"POST /api/v1/second-factor":                      {401, 200, 403, 200, 200, code},
	"POST /api/v1/second-factor/passkey/options":      {401, 404, 404, 404, 404, empty}, // they have none
	"POST /api/v1/second-factor/passkey":              {401, 403, 403, 403, 403, body(noPasskey)},
	"GET /api/v1/factors":                             {401, 403, 403, 200, 200, nil},
	"DELETE /api/v1/factors/totp":                     {401, 403, 403, 409, 409, nil}, // their last
	"POST /api/v1/factors/passkeys/options":           {401, 403, 200, 200, 200, empty},
	"POST /api/v1/factors/passkeys":                   {401, 403, 403, 403, 403, body(fields{"name": "X", "client_data": "e30", "attestation_object": "oA"})},
	"PATCH /api/v1/factors/passkeys/{id}":             {401, 403, 403, 404, 404, body(fields{"name": "X"})},
	"DELETE /api/v1/factors/passkeys/{id}":            {401, 403, 403, 404, 404, nil},
	"POST /api/v1/factors/totp":                       {401, 403, 200, 200, 200, empty},
	"POST /api/v1/factors/totp/confirm":               {401, 403, 403, 403, 403, code}, // nothing was begun
	"POST /api/v1/factors/recovery":                   {401, 403, 403, 200, 200, empty},
	"GET /api/v1/identities":                          {401, 403, 403, 200, 200, nil},
	"POST /api/v1/identities/oidc/{provider}":         {401, 403, 403, 404, 404, empty}, // none is configured
	"DELETE /api/v1/identities/{identity}":            {401, 403, 403, 404, 404, nil},
	"POST /api/v1/password":                           {401, 403, 403, 204, 204, body(fields{"old": password, "new": "a loud bell in the tower"})},
	"GET /api/v1/sessions":                            {401, 403, 403, 200, 200, nil},
	"DELETE /api/v1/sessions":                         {401, 403, 403, 204, 204, nil},
	"DELETE /api/v1/sessions/{id}":                    {401, 403, 403, 404, 404, nil}, // somebody else's
	"POST /api/v1/sign-out":                           everyone(204, nil),
	"GET /api/v1/users":                               {401, 403, 403, 403, 200, nil},
	"POST /api/v1/users":                              {401, 403, 403, 403, 201, body(fields{"login": "new", "name": "New", "role": "user"})},
	"POST /api/v1/users/{id}/invite":                  {401, 403, 403, 403, 201, empty},
	"POST /api/v1/users/{id}/role":                    {401, 403, 403, 403, 204, body(fields{"role": "organiser"})},
	"POST /api/v1/users/{id}/disable":                 {401, 403, 403, 403, 204, empty},
	"POST /api/v1/users/{id}/enable":                  {401, 403, 403, 403, 204, empty},
	"POST /api/v1/users/{id}/reset-factors":           {401, 403, 403, 403, 201, empty},
	"GET /api/v1/users/{id}/sessions":                 {401, 403, 403, 403, 200, nil},
	"DELETE /api/v1/users/{id}/sessions":              {401, 403, 403, 403, 204, nil},
	"GET /api/v1/approvals":                           {401, 403, 403, 403, 200, nil},
	"POST /api/v1/approvals/{id}/approve":             {401, 403, 403, 403, 404, empty},
	"DELETE /api/v1/approvals/{id}":                   {401, 403, 403, 403, 404, nil},
	"GET /api/v1/policy":                              {401, 403, 403, 403, 200, nil},
	"GET /api/v1/policy/{version}":                    {401, 403, 403, 403, 200, nil},
	"POST /api/v1/policy":                             {401, 403, 403, 403, 201, body(fields{"text": allowAll, "comment": "why", "after": 0})},
	"POST /api/v1/policy/{version}/activate":          {401, 403, 403, 403, 201, empty},
	"POST /api/v1/policy/check":                       {401, 403, 403, 403, 200, body(fields{"text": allowAll})},
	"POST /api/v1/policy/explain":                     {401, 403, 403, 403, 200, body(fields{"facts": fields{"subject": "u:1", "assurance": "mfa"}})},
	"GET /api/v1/audit":                               {401, 403, 403, 403, 200, nil},
	"GET /api/v1/audit/export":                        {401, 403, 403, 403, 200, nil},
	"GET /api/v1/clients":                             {401, 403, 403, 403, 200, nil},
	"PATCH /api/v1/clients/{id}":                      {401, 403, 403, 403, 404, body(fields{"trusted": true})},
	"POST /api/v1/network-test":                       {401, 403, 403, 200, 200, body(fields{"offer": "v=0"})},
	"GET /api/v1/rooms":                               {401, 403, 403, 200, 200, nil},
	"POST /api/v1/rooms":                              {401, 403, 403, 201, 201, body(fields{"title": "Budget"})},
	"GET /api/v1/rooms/{room}":                        everyone(200, nil),
	"PATCH /api/v1/rooms/{room}":                      {401, 403, 403, 200, 200, body(fields{"version": 1, "class": "confidential"})},
	"DELETE /api/v1/rooms/{room}":                     {401, 403, 403, 204, 204, nil},
	"GET /api/v1/rooms/all":                           {401, 403, 403, 403, 200, nil},
	"POST /api/v1/rooms/{room}/end":                   {401, 403, 403, 204, 204, empty},
	"POST /api/v1/rooms/{room}/token":                 {401, 403, 403, 200, 200, body(fields{"jkt": thumb})},
	"POST /api/v1/rooms/{room}/lobby":                 everyone(200, body(fields{"jkt": thumb, "name": "Guest"})),
	"GET /api/v1/rooms/{room}/stream-keys":            {401, 403, 403, 200, 200, nil},
	"POST /api/v1/rooms/{room}/stream-keys":           {401, 403, 403, 201, 403, body(fields{"label": "Camera", "mode": "publish", "life_ms": 3600_000})},
	"DELETE /api/v1/rooms/{room}/stream-keys/{id}":    {401, 403, 403, 404, 404, nil},
	"GET /api/v1/rooms/{room}/guest-links":            {401, 403, 403, 200, 200, nil},
	"POST /api/v1/rooms/{room}/guest-links":           {401, 403, 403, 201, 403, empty},
	"DELETE /api/v1/rooms/{room}/guest-links/{id}":    {401, 403, 403, 404, 404, nil},
	"POST /api/v1/guest/link":                         everyone(403, body(fields{"secret": "gl_x"})),
	"POST /api/v1/guest/code":                         everyone(403, body(fields{"secret": "gl_x"})),
	"POST /api/v1/guest/lobby":                        everyone(403, body(fields{"secret": "gl_x", "name": "Guest", "jkt": thumb})),
	"POST /api/v1/password/forgot":                    everyone(409, body(fields{"account": "zhao"})), // no mail is sent here
	"POST /api/v1/password/reset/passkey/options":     everyone(403, body(fields{"token": "x"})),
	"POST /api/v1/password/reset":                     everyone(403, body(fields{"token": "x", "code": "123456", "password": password})),
	"POST /api/v1/users/{id}/reset-link":              {401, 403, 403, 403, 409, empty}, // who never came in has no password
	"GET /api/v1/openapi.yaml":                        everyone(200, nil),
	"GET /api/v1/openapi.json":                        everyone(200, nil),
	"/api/v1/":                                        everyone(404, nil),
	"POST /api/v1/client/rooms":                       everyone(401, body(fields{"title": "Budget"})),
	"PATCH /api/v1/client/rooms/{room}":               everyone(401, body(fields{"version": 1, "title": "Budget"})),
	"DELETE /api/v1/client/rooms/{room}":              everyone(401, nil),
	"POST /api/v1/client/rooms/{room}/tokens":         everyone(401, body(fields{"user": fields{"id": "1", "name": "X"}, "jkt": thumb})),
	programsPrefix:                                    everyone(404, nil),
}

// unrecorded changes nothing yet: questions to a device, a secret that waits for its first code, a test of the network.
var unrecorded = map[string]bool{
	"POST /api/v1/sign-in/passkey/options": true, "POST /api/v1/second-factor/passkey/options": true,
	"POST /api/v1/factors/passkeys/options": true, "POST /api/v1/factors/totp": true, "POST /api/v1/network-test": true,
}

// Every route, with nobody's, two half signed-in people's, a user's and an administrator's cookie.
func TestEveryRouteAnswersOnlyWhomItShould(t *testing.T) {
	w := newWorld(t, httpsURL)
	var patterns []string
	for _, r := range slices.Concat(w.api.pages(), w.api.programs()) {
		patterns = append(patterns, r.pattern)
		if _, ok := table[r.pattern]; !ok {
			t.Errorf("%s is not in the table: say who may ask it", r.pattern)
		}
	}
	for p := range table {
		if !slices.Contains(patterns, p) {
			t.Errorf("%s is in the table and not in the API", p)
		}
	}
	yields := map[string]bool{}
	for _, p := range patterns {
		t.Run(strings.NewReplacer(" ", "_", "/", "_").Replace(p), func(t *testing.T) { walk(t, p, table[p], yields) })
	}
	// A room token comes from one route of people, and only to those whose second factor is fresh.
	if len(yields) != 2 || !yields["user POST /api/v1/rooms/{room}/token"] || !yields["admin POST /api/v1/rooms/{room}/token"] {
		t.Errorf("room tokens are given by %v", yields)
	}
}

var jws = regexp.MustCompile(`[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}`)

// yieldsToken says whether an answer has a room token in it, wherever it stands.
func yieldsToken(w *world, got reply) bool {
	for _, found := range jws.FindAllString(got.raw+" "+fmt.Sprint(got.header), -1) {
		if _, err := w.tokens.Room(found); err == nil {
			return true
		}
	}
	return false
}

// walk asks a route as everybody, and notes in yields who got a room token.
func walk(t *testing.T, pattern string, want row, yields map[string]bool) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	user := admin.user("zhao", "192.0.2.3")
	pending := w.agent("192.0.2.4")
	pending.secret = admin.secret
	if got := pending.signIn("lin.yue", password); got.text("next") != "second_factor" {
		t.Fatal(got.raw)
	}
	made := admin.want(201, "", "POST", "/api/v1/users", fields{"login": "chen", "name": "Chen", "role": "auditor"})
	newcomer := w.agent("192.0.2.5")
	newcomer.want(200, "", "POST", "/api/v1/invite", fields{"token": made.text("invite"), "password": password})
	waits := admin.want(201, "", "POST", "/api/v1/users", fields{"login": "sun", "name": "Sun", "role": "user"})
	other := admin.user("wei", "192.0.2.6")

	for _, c := range []struct {
		who    string
		agent  *agent
		status int
	}{
		{"nobody", w.agent("192.0.2.2"), want.nobody}, {"newcomer", newcomer, want.newcomer}, {"pending", pending, want.pending},
		{"user", user, want.user}, {"admin", admin, want.admin},
	} {
		owner := w.agent("192.0.2.3")
		owner.cookie = user.cookie
		s := &stage{target: waits.text("id"), session: ownSession(other)}
		if strings.Contains(pattern, "{room}") {
			s.room = owner.room("internal")
		}
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = "PATCH", pattern+"anything"
		}
		id := s.target
		if strings.Contains(path, "/sessions/") {
			id = s.session
		}
		path = strings.NewReplacer("{room}", s.room, "{id}", id, "{identity}", "i_none", "{provider}", "none", "{version}", "0").Replace(path)
		var in any
		if want.body != nil {
			in = want.body(s, c.agent)
		}
		before := len(w.entries())
		got := c.agent.call(method, path, in)
		if yieldsToken(w, got) {
			yields[c.who+" "+pattern] = true
		}
		if got.status != c.status {
			t.Errorf("%s: %d, want %d: %s", c.who, got.status, c.status, got.raw)
		}
		// what changed something is on record
		if method != "GET" && got.status < 300 && !unrecorded[pattern] && !(c.who == "nobody" && pattern == "POST /api/v1/sign-out") && len(w.entries()) == before {
			t.Errorf("%s did it, and nothing is on record", c.who)
		}
	}
}

// ownSession is the handle of the session that asks.
func ownSession(a *agent) string {
	a.t.Helper()
	for _, s := range a.want(200, "", "GET", "/api/v1/sessions", nil).body["sessions"].([]any) {
		if s := s.(map[string]any); s["current"] == true {
			return s["id"].(string)
		}
	}
	a.t.Fatal("no current session")
	return ""
}

// Whoever could reset their own factor would need no more than a password to enrol another.
func TestNobodyAdministersTheirOwnAccount(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	for _, act := range []string{"disable", "enable", "reset-factors", "invite"} {
		admin.want(403, "forbidden", "POST", "/api/v1/users/"+admin.userID+"/"+act, fields{})
		for _, id := range []string{"nobody", "%00", "%ff", "a'b", strings.Repeat("u", 65)} {
			admin.want(404, "not_found", "POST", "/api/v1/users/"+id+"/"+act, fields{})
		}
	}
	admin.want(200, "", "GET", "/api/v1/me", nil)
}
