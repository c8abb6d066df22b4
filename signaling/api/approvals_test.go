package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	"incamera/auth/role"
)

// second makes another administrator.
func (a *agent) second(name, address string) *agent {
	a.t.Helper()
	made := a.want(201, "", "POST", "/api/v1/users", fields{"login": name, "name": strings.ToUpper(name), "role": role.Security})
	u := a.agent(address)
	u.want(200, "", "POST", "/api/v1/invite", fields{"token": made.text("invite"), "password": password})
	u.enrol()
	return u
}

func TestAResetOfFactorsTakesFourEyes(t *testing.T) {
	w := newWorld(t, httpsURL)
	lin := w.admin()
	chen := lin.second("chen", "192.0.2.5")
	zhao := lin.user("zhao", "192.0.2.3")
	reset := "/api/v1/users/" + zhao.userID + "/reset-factors"
	waits := lin.want(201, "", "POST", reset, fields{})
	if waits.text("kind") != "reset_factors" || waits.text("object_name") != "ZHAO" || waits.text("asked_by") != "Lin Yue" || waits.body["own"] != true {
		t.Fatal(waits.raw)
	}
	approve := "/api/v1/approvals/" + waits.text("id") + "/approve"

	// Until a second administrator approves nothing changes, and the first is not the second.
	zhao.want(200, "", "GET", "/api/v1/me", nil)
	lin.want(403, "second_person_required", "POST", approve, fields{})
	lin.want(409, "approval_waits", "POST", reset, fields{})
	zhao.want(403, "forbidden", "POST", approve, fields{})
	zhao.want(200, "", "GET", "/api/v1/me", nil)
	zhao.want(200, "", "POST", "/api/v1/second-factor", fields{"code": zhao.code()})

	if list := chen.want(200, "", "GET", "/api/v1/approvals", nil).body["approvals"].([]any); len(list) != 1 || list[0].(map[string]any)["own"] != false {
		t.Fatal(list)
	}
	chen.want(204, "", "POST", approve, fields{})
	chen.want(404, "not_found", "POST", approve, fields{})
	zhao.want(401, "unauthenticated", "GET", "/api/v1/me", nil)

	// The person is told at the next sign-in, and enrols before anything else.
	got := zhao.signIn("zhao", password)
	if got.text("next") != "enrol" || int64(got.body["factors_reset_at_ms"].(float64)) != w.clock().UnixMilli() {
		t.Fatal(got.raw)
	}
	zhao.want(403, "enrolment_required", "POST", "/api/v1/second-factor", fields{"code": zhao.code()})
	zhao.want(403, "enrolment_required", "GET", "/api/v1/rooms", nil)
	zhao.enrol()
	w.pass(time.Minute)
	lin.want(201, "", "POST", reset, fields{}) // a later one is news again
	if got := zhao.signIn("zhao", password); got.body["factors_reset_at_ms"] != nil {
		t.Error(got.raw)
	}
	for _, e := range []string{
		"account.reset_factors.ask u:" + lin.userID + " " + zhao.userID + " ok",
		"approval.approve u:" + lin.userID + " " + zhao.userID + " second_person_required",
		"account.reset_factors u:" + chen.userID + " " + zhao.userID + " ok",
		"approval.approve u:" + chen.userID + " " + zhao.userID + " ok",
	} {
		if !slices.Contains(w.entries(), e) {
			t.Errorf("not on record: %s", e)
		}
	}
}

func TestWhoeverIsResetApprovesNothingOfIt(t *testing.T) {
	w := newWorld(t, httpsURL)
	lin := w.admin()
	chen := lin.second("chen", "192.0.2.5")
	waits := lin.want(201, "", "POST", "/api/v1/users/"+chen.userID+"/reset-factors", fields{})
	chen.want(403, "second_person_required", "POST", "/api/v1/approvals/"+waits.text("id")+"/approve", fields{})
	chen.want(204, "", "DELETE", "/api/v1/approvals/"+waits.text("id"), nil) // but may object
	wei := lin.second("wei", "192.0.2.6")
	wei.want(404, "not_found", "POST", "/api/v1/approvals/"+waits.text("id")+"/approve", fields{})
}

func TestWhatWaitsIsOverAfterADayAndApprovingAsksForAFactorOfThisHour(t *testing.T) {
	w := newWorld(t, httpsURL)
	lin := w.admin()
	chen := lin.second("chen", "192.0.2.5")
	zhao := lin.user("zhao", "192.0.2.3")
	waits := lin.want(201, "", "POST", "/api/v1/users/"+zhao.userID+"/reset-factors", fields{})
	w.pass(thisHour + time.Second)
	got := chen.want(403, "second_factor_required", "POST", "/api/v1/approvals/"+waits.text("id")+"/approve", fields{})
	if need := got.body["error"].(map[string]any); need["acr"] != "mfa" || need["max_age"] != float64(3600) {
		t.Error(got.raw)
	}
	w.pass(23 * time.Hour)
	chen.signIn("chen", password)
	chen.want(200, "", "POST", "/api/v1/second-factor", fields{"code": chen.code()})
	chen.want(404, "not_found", "POST", "/api/v1/approvals/"+waits.text("id")+"/approve", fields{})
}
