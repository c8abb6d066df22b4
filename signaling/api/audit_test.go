package api

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"incamera/auth/audit"
	"incamera/auth/role"
)

func TestAuditorsReadTheRecordAndOthersDoNot(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	u := admin.user("zhao", "192.0.2.3")
	auditor := admin.user("wen", "192.0.2.4")
	must(t, w.store.Users.SetRole(context.Background(), auditor.userID, string(role.Auditor)))
	u.signIn("zhao", "not this one at all")
	u.room("internal")

	for name, c := range map[string]struct {
		query string
		want  func(e map[string]any) bool
	}{
		"an actor":   {"actor=u:" + u.userID, func(e map[string]any) bool { return e["actor"] == "u:"+u.userID }},
		"a verb":     {"verb=room.create", func(e map[string]any) bool { return e["verb"] == "room.create" }},
		"verbs":      {"verb=account.", func(e map[string]any) bool { return strings.HasPrefix(e["verb"].(string), "account.") }},
		"a result":   {"result=invalid_credentials", func(e map[string]any) bool { return e["result"] == "invalid_credentials" }},
		"an object":  {"object=" + u.userID + "&limit=3", func(e map[string]any) bool { return e["object"] == u.userID }},
		"everything": {fmt.Sprintf("since_ms=1&until_ms=%d", w.clock().Add(time.Hour).UnixMilli()), func(map[string]any) bool { return true }},
	} {
		list := auditor.want(200, "", "GET", "/api/v1/audit?"+c.query, nil).body["entries"].([]any)
		if len(list) == 0 {
			t.Errorf("%s: nothing", name)
		}
		for _, e := range list {
			if !c.want(e.(map[string]any)) {
				t.Errorf("%s: %v", name, e)
			}
		}
	}
	seen, before := map[float64]bool{}, ""
	for pages := 0; pages < 100; pages++ {
		r := auditor.want(200, "", "GET", "/api/v1/audit?limit=4"+before, nil)
		for _, e := range r.body["entries"].([]any) {
			seen[e.(map[string]any)["seq"].(float64)] = true
		}
		next, more := r.body["before"].(float64)
		if !more {
			break
		}
		before = fmt.Sprintf("&before=%d", int64(next))
	}
	if n := len(w.entries()) - 1; len(seen) != n { // all but this search itself
		t.Errorf("%d of %d entries on the pages", len(seen), n)
	}
	for _, bad := range []string{"limit=0", "limit=201", "limit=x", "before=-1", "since_ms=soon", "actor=a&actor=b", "who=x", "actor=%0a", "verb=" + strings.Repeat("x", 201), "%zz", "limit=9223372036854775808"} {
		auditor.want(400, "bad_request", "GET", "/api/v1/audit?"+bad, nil)
	}
	for _, bad := range []string{"0", "-1", "x", "9223372036854775808"} {
		auditor.want(400, "bad_request", "GET", "/api/v1/audit/export?from="+bad, nil)
	}
	export := auditor.want(200, "", "GET", "/api/v1/audit/export", nil)
	got, err := audit.VerifyExport(strings.NewReader(export.raw), w.trust)
	if err != nil || got.First.Seq != 1 || got.Last.Seq != int64(len(w.entries())) {
		t.Error(got, err)
	}
	for _, path := range []string{"/api/v1/audit", "/api/v1/audit/export"} {
		u.want(403, "forbidden", "GET", path, nil)
		w.agent("192.0.2.9").want(401, "unauthenticated", "GET", path, nil)
	}
	for _, no := range []string{"/api/v1/users", "/api/v1/approvals"} { // an auditor reads, and changes nothing
		auditor.want(403, "forbidden", "GET", no, nil)
	}
	w.pass(thisHour + time.Minute)
	auditor.want(403, "second_factor_required", "GET", "/api/v1/audit", nil)

	all := strings.Join(w.entries(), "\n")
	for _, want := range []string{"audit.search u:" + auditor.userID, "audit.export u:" + auditor.userID, "administration u:" + u.userID + " GET /api/v1/audit forbidden"} {
		if !strings.Contains(all, want) {
			t.Errorf("not on record: %s", want)
		}
	}
	if strings.Count(all, "audit.search u:"+auditor.userID) != 7 { // six searches and one walk of many pages
		t.Errorf("searches on record: %d", strings.Count(all, "audit.search"))
	}
}
