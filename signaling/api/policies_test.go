package api

import (
	"slices"
	"strings"
	"testing"

	"incamera/auth/role"
)

func TestASecurityOfficerChangesTheRulesAndPutsThemBack(t *testing.T) {
	w := newWorld(t, httpsURL)
	lin := w.admin()
	officer := lin.as("officer", "192.0.2.9", role.Security)
	user := lin.user("zhao", "192.0.2.3")
	room := user.room("internal")
	token := "/api/v1/rooms/" + room + "/token"
	user.want(200, "", "POST", token, fields{"jkt": thumb})

	first := officer.want(200, "", "GET", "/api/v1/policy", nil).body["versions"].([]any)
	if len(first) != 1 || first[0].(map[string]any)["version"] != 0.0 || first[0].(map[string]any)["counts"] != true {
		t.Fatal(first)
	}
	strict := "- {name: nobody, when: \"subject == 'u:" + user.userID + "'\", outcome: deny, reason: not today}\n" + allowAll
	made := officer.want(201, "", "POST", "/api/v1/policy", fields{"text": strict, "comment": "a test", "after": 0})
	if made.body["version"] != 1.0 || made.body["counts"] != true || made.text("author") != "u:"+officer.userID {
		t.Fatal(made.raw)
	}
	user.want(403, "forbidden", "POST", token, fields{"jkt": thumb})

	// Somebody who looked at the version before changes nothing.
	officer.want(409, "conflict", "POST", "/api/v1/policy", fields{"text": allowAll, "comment": "late", "after": 0})
	back := officer.want(201, "", "POST", "/api/v1/policy/0/activate", fields{})
	if back.body["version"] != 2.0 {
		t.Fatal(back.raw)
	}
	user.want(200, "", "POST", token, fields{"jkt": thumb})
	if text := officer.want(200, "", "GET", "/api/v1/policy/1", nil).text("text"); text != strict {
		t.Error(text)
	}
	if n := officer.want(200, "", "GET", "/api/v1/policy/current", nil).body["version"]; n != 2.0 {
		t.Error(n)
	}
	for _, none := range []string{"3", "-1", "01", "x", "%00", "99999999999999999999"} {
		officer.want(404, "not_found", "GET", "/api/v1/policy/"+none, nil)
	}
	for _, e := range []string{"policy.set u:" + officer.userID + " policy ok", "policy.rollback u:" + officer.userID + " policy ok"} {
		if !slices.Contains(w.entries(), e) {
			t.Errorf("not on record: %s", e)
		}
	}
}

func TestRulesThatDoNotCompileSayWhereAndChangeNothing(t *testing.T) {
	w := newWorld(t, httpsURL)
	officer := w.admin()
	place := func(text string) map[string]any {
		t.Helper()
		got := officer.want(400, "policy_invalid", "POST", "/api/v1/policy", fields{"text": text, "comment": "x", "after": 0})
		checked := officer.want(400, "policy_invalid", "POST", "/api/v1/policy/check", fields{"text": text})
		if got.raw != checked.raw {
			t.Errorf("%s, and checked %s", got.raw, checked.raw)
		}
		return got.body["error"].(map[string]any)
	}
	if e := place("- {name: odd, when: 'role == colour', outcome: allow}\n"); e["rule"] != "odd" || e["line"] != 1.0 || e["column"] != 9.0 || !strings.Contains(e["message"].(string), "colour") {
		t.Error(e)
	}
	if e := place("- {name: two, when: \"true &&\\n  (hour >\", outcome: allow}\n"); e["rule"] != "two" || e["line"] != 2.0 {
		t.Error(e)
	}
	if e := place("- name: a\n  when: 'true'\n  outcomes: allow\n"); e["rule"] != nil || e["line"] != 3.0 {
		t.Error(e)
	}
	if e := place("- {name: wide, when: 'true', outcome: perhaps}\n"); e["rule"] != "wide" || e["line"] != nil {
		t.Error(e)
	}
	place("")
	if n := officer.want(200, "", "GET", "/api/v1/policy/current", nil).body["version"]; n != 0.0 {
		t.Errorf("version %v counts", n)
	}
	officer.want(413, "too_large", "POST", "/api/v1/policy", fields{"text": strings.Repeat("#", 2*maxPolicyBody), "comment": "x", "after": 0})
	officer.want(400, "bad_request", "POST", "/api/v1/policy", fields{"text": allowAll, "comment": "", "after": 0})
}

func TestOtherRulesAreTriedOnWhatWasDecidedAndADecisionIsExplained(t *testing.T) {
	w := newWorld(t, httpsURL)
	officer := w.admin()
	user := officer.user("zhao", "192.0.2.3")
	user.want(200, "", "POST", "/api/v1/rooms/"+user.room("internal")+"/token", fields{"jkt": thumb})

	strict := "- {name: office, when: \"!in_network(net.signaling, '10.0.0.0/8')\", outcome: deny, reason: from the office only}\n" + allowAll
	tried := officer.want(200, "", "POST", "/api/v1/policy/check", fields{"text": strict})
	list := tried.body["decisions"].([]any)
	if tried.body["looked"] != 1.0 || tried.body["changed"] != 1.0 || len(list) != 1 {
		t.Fatal(tried.raw)
	}
	one := list[0].(map[string]any)
	if facts := one["facts"].(map[string]any); facts["subject"] != "u:"+user.userID || facts["net.signaling"] != "192.0.2.3" || one["after"].(map[string]any)["rule"] != "office" || one["before"].(map[string]any)["outcome"] != "allow" {
		t.Error(tried.raw)
	}
	user.want(200, "", "GET", "/api/v1/me", nil)
	if n := officer.want(200, "", "GET", "/api/v1/policy/current", nil).body["version"]; n != 0.0 {
		t.Error("trying made a version")
	}

	why := officer.want(200, "", "POST", "/api/v1/policy/explain", fields{"decision": one["decision"]})
	steps := why.body["steps"].([]any)
	if why.text("outcome") != "allow" || why.text("rule") != "second-factor" || len(steps) != 3 || steps[0].(map[string]any)["result"] != "no" {
		t.Error(why.raw)
	}
	given := fields{"subject": "u:1", "assurance": "mfa", "net.signaling": "10.1.2.3", "net.media": "198.51.100.7"}
	if got := officer.want(200, "", "POST", "/api/v1/policy/explain", fields{"text": strict, "facts": given}); got.text("rule") != "all" || got.body["facts"].(map[string]any)["net.media"] != "198.51.100.7" {
		t.Error(got.raw)
	}
	given["net.media"] = "here"
	officer.want(400, "bad_request", "POST", "/api/v1/policy/explain", fields{"facts": given})
	officer.want(404, "not_found", "POST", "/api/v1/policy/explain", fields{"decision": "d_none"})
	officer.want(400, "bad_request", "POST", "/api/v1/policy/explain", fields{"facts": fields{"subject": "u:1", "assurance": "mfa", "admin": true}})
	for _, e := range []string{"policy.check", "policy.explain"} {
		if !slices.ContainsFunc(w.entries(), func(s string) bool { return strings.HasPrefix(s, e+" u:"+officer.userID) }) {
			t.Errorf("not on record: %s", e)
		}
	}
}
