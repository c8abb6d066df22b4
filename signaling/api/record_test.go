package api

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"incamera/auth/audit"
	"incamera/auth/store"
)

// Every act leaves its entry, refusals too, and the chain of them verifies.
func TestEveryActIsOnRecord(t *testing.T) {
	w := newWorld(t, httpsURL)
	stranger := w.agent("192.0.2.8")
	stranger.call("POST", "/api/v1/setup", fields{"token": "x", "login": "x", "name": "X", "password": password})
	a := w.admin()
	stranger.call("POST", "/api/v1/invite", fields{"token": "x", "password": password})
	stranger.signIn("my password in the wrong field", password)
	stranger.signIn("lin.yue", "not this one at all")
	u := a.user("zhao", "192.0.2.3")
	u.call("GET", "/api/v1/users", nil)
	a.call("POST", "/api/v1/users", fields{"login": "zhao", "name": "X", "role": "user"})
	sun := a.want(201, "", "POST", "/api/v1/users", fields{"login": "sun", "name": "Sun", "role": "user"}).text("id")
	u.signIn("zhao", password)
	u.call("POST", "/api/v1/second-factor", fields{"code": "00000a"})
	u.want(200, "", "POST", "/api/v1/second-factor", fields{"code": u.code()})
	u.want(200, "", "POST", "/api/v1/factors/recovery", fields{})
	u.call("POST", "/api/v1/password", fields{"old": "wrong", "new": "x"})
	u.want(204, "", "POST", "/api/v1/password", fields{"old": password, "new": "a loud bell in the tower"})
	room := u.room("internal")
	u.want(200, "", "POST", "/api/v1/rooms/"+room+"/token", fields{"jkt": thumb})
	stranger.want(200, "", "POST", "/api/v1/rooms/"+room+"/lobby", fields{"jkt": thumb2, "name": "Guest"})
	u.want(204, "", "DELETE", "/api/v1/rooms/"+room, nil)
	gone := ownSession(u)
	u.want(204, "", "DELETE", "/api/v1/sessions/"+gone, nil)
	for _, act := range []string{"disable", "enable"} {
		a.want(204, "", "POST", "/api/v1/users/"+u.userID+"/"+act, fields{})
	}
	a.want(201, "", "POST", "/api/v1/users/"+u.userID+"/reset-factors", fields{})
	a.want(201, "", "POST", "/api/v1/users/"+sun+"/invite", fields{})
	p := w.portal("198.51.100.1")
	own := p.makeRoom()
	p.bearer().want(200, "", "POST", "/api/v1/client/rooms/"+own+"/tokens", p.person())
	p.call("POST", "/api/v1/client/rooms", fields{"title": "replayed"})
	p.bearer().want(204, "", "DELETE", "/api/v1/client/rooms/"+own, nil)
	a.want(204, "", "POST", "/api/v1/sign-out", nil)

	lin, zhao := "u:"+a.userID, "u:"+u.userID
	got := w.entries()
	for _, want := range []string{
		"account.setup nobody  setup_token_invalid", "account.setup " + lin + " " + a.userID + " ok",
		"factor.enrol " + lin + " " + a.userID + " ok", "account.accept nobody  invite_invalid",
		"sign_in.password nobody  invalid_credentials", "sign_in.password nobody " + a.userID + " invalid_credentials",
		"account.invite " + lin + " zhao ok", "account.accept " + zhao + " " + u.userID + " ok",
		"administration " + zhao + " GET /api/v1/users forbidden", "account.invite " + lin + " zhao login_taken",
		"sign_in.password " + zhao + " " + u.userID + " ok", "sign_in.second_factor " + zhao + " " + u.userID + " second_factor_invalid",
		"sign_in.second_factor " + zhao + " " + u.userID + " ok", "factor.recovery " + zhao + " " + u.userID + " ok",
		"account.password " + zhao + " " + u.userID + " invalid_credentials", "account.password " + zhao + " " + u.userID + " ok",
		"room.create " + zhao + " " + room + " ok", "token.mint " + zhao + " room:" + room + " ok",
		"lobby.pass g:" + thumb2 + " room:" + room + " ok", "room.delete " + zhao + " " + room + " ok", "session.end " + zhao + " " + gone + " ok",
		"account.disable " + lin + " " + u.userID + " ok", "account.enable " + lin + " " + u.userID + " ok",
		"account.reset_factors.ask " + lin + " " + u.userID + " ok", "account.invite_again " + lin + " " + sun + " ok",
		"room.create c:" + p.id + " " + own + " ok", "token.mint c:" + p.id + " room:" + own + " ok", "client.assertion client  token_used",
		"room.delete c:" + p.id + " " + own + " ok", "sign_out " + lin + " " + a.userID + " ok",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("not on record: %q", want)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(got, "\n"))
	}
	end, err := audit.Verify(context.Background(), w.store, w.trust)
	if err != nil || end.Seq != int64(len(got)) {
		t.Fatalf("the chain: %v at %d of %d", err, end.Seq, len(got))
	}
}

// What cannot be put on record does not happen.
func TestNothingIsDoneWithoutARecord(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	u := a.user("zhao", "192.0.2.3")
	room := u.room("internal")
	must(t, w.store.Settings.Set(context.Background(), "audit.head", "spoilt"))
	for _, r := range [][2]string{
		{"POST", "/api/v1/users/" + u.userID + "/disable"}, {"POST", "/api/v1/users/" + u.userID + "/reset-factors"},
		{"POST", "/api/v1/factors/recovery"}, {"DELETE", "/api/v1/rooms/" + room},
	} {
		a.want(500, "internal", r[0], r[1], fields{})
	}
	a.want(503, "unavailable", "POST", "/api/v1/rooms/"+room+"/token", fields{"jkt": thumb})
	u.want(200, "", "GET", "/api/v1/me", nil)
	u.want(200, "", "GET", "/api/v1/rooms/"+room, nil)
	if len(w.ended) != 0 {
		t.Error("a meeting was ended")
	}
}

// Who hangs up before the answer is on record like everybody else.
func TestAGuessIsOnRecordThoughTheClientIsGone(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	gone, cancel := context.WithCancel(context.Background())
	body := io.NopCloser(&hangUp{strings.NewReader(`{"login":"lin.yue","password":"not this one at all"}`), cancel})
	r := httptest.NewRequest("POST", "/api/v1/sign-in", body).WithContext(gone)
	r.Header.Set("Content-Type", "application/json")
	w.handler.ServeHTTP(httptest.NewRecorder(), r)
	last := w.entries()
	if got := last[len(last)-1]; !strings.HasPrefix(got, "sign_in.password nobody "+a.userID) {
		t.Error(got)
	}
	if strings.Contains(w.said(), "not on record") {
		t.Error(w.said())
	}
}

// hangUp ends the request's context once its body is read.
type hangUp struct {
	io.Reader
	cancel context.CancelFunc
}

func (h *hangUp) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		h.cancel()
	}
	return n, err
}

func (w *world) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logs.String()
}

// Secrets of a whole day are searched for in the log, the metrics and the record.
func TestNoSecretIsWrittenAnywhere(t *testing.T) {
	w := newWorld(t, httpsURL)
	secrets := map[string]string{"setup token": w.setup, "password": password}
	a := w.agent("192.0.2.1")
	a.want(201, "", "POST", "/api/v1/setup", fields{"token": w.setup, "login": "lin", "name": "Lin", "password": password})
	secrets["pending cookie"] = a.cookie.Value
	recovery := a.enrol()
	secrets["cookie"], secrets["authenticator"], secrets["recovery code"] = a.cookie.Value, a.secret, recovery[0]
	made := a.want(201, "", "POST", "/api/v1/users", fields{"login": "zhao", "name": "Zhao", "role": "user"})
	secrets["invitation"] = made.text("invite")
	room := a.room("open")
	secrets["room token"] = a.want(200, "", "POST", "/api/v1/rooms/"+room+"/token", fields{"jkt": thumb}).text("token")
	secrets["pass"] = w.agent("192.0.2.2").want(200, "", "POST", "/api/v1/rooms/"+room+"/lobby", fields{"jkt": thumb, "name": "Guest"}).text("pass")
	p := w.portal("198.51.100.1").bearer()
	p.call("POST", "/api/v1/client/rooms", fields{"title": "X"})
	p.call("POST", "/api/v1/client/rooms", fields{"title": "X"})
	secrets["assertion"] = strings.TrimPrefix(p.header.Get("Authorization"), "Bearer ")
	a.want(200, "", "POST", "/api/v1/second-factor", fields{"code": recovery[0]})
	a.call("POST", "/api/v1/sign-in", `{"login":"lin","password":"`+password+`","code":1}`)
	a.call("POST", "/api/v1/sign-in", fields{"login": password, "password": "x"})
	must(t, w.store.Settings.Set(context.Background(), "audit.head", "spoilt")) // and the paths of failures
	a.call("POST", "/api/v1/users", fields{"login": "sun", "name": "Sun", "role": "user"})
	a.signIn("lin", password)

	rows, err := w.store.Audit.After(context.Background(), 0, 1000)
	must(t, err)
	families, err := w.metrics.Gather()
	must(t, err)
	var labels strings.Builder
	for _, f := range families {
		labels.WriteString(f.String() + "\n")
	}
	places := map[string]string{"log": w.said(), "metrics": labels.String(), "record": lines(rows)}
	if !strings.Contains(places["log"], "request failed") || !strings.Contains(places["metrics"], "POST /api/v1/sign-in") {
		t.Fatal("the places are not where things are written")
	}
	for place, text := range places {
		for what, secret := range secrets {
			if secret == "" || strings.Contains(text, secret) {
				t.Errorf("%s in the %s (%q)", what, place, secret)
			}
		}
	}
	for _, unbounded := range []string{room, "192.0.2.1", "lin"} {
		if strings.Contains(places["metrics"], `"`+unbounded+`"`) || strings.Contains(places["metrics"], room) {
			t.Errorf("%q is a label of a metric", unbounded)
		}
	}
}

func lines(rows []store.AuditRow) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(strings.Join([]string{r.Actor, r.Verb, r.Object, r.Result, r.Address, r.Meta}, " ") + "\n")
	}
	return b.String()
}

func TestOptionsAreChecked(t *testing.T) {
	w := newWorld(t, "https://meet.test/")
	if w.api.publicURL != "https://meet.test" || !w.api.secure {
		t.Errorf("%q, secure %v", w.api.publicURL, w.api.secure)
	}
	if (&Options{}).Validate() == nil {
		t.Error("empty options")
	}
	full := Options{
		Store: w.store, Accounts: w.accounts, Factors: w.api.factors, Approvals: w.api.approvals, Policy: w.policy, Logins: w.api.logins, Issue: w.api.issue, Audit: w.api.audit,
		Guests: w.api.guests, Clients: w.api.clients, ClientAddr: w.api.address, Log: w.api.log, Registerer: w.metrics,
	}
	for _, url := range []string{"", "meet.test", "ftp://meet.test", "https://", "https://a@meet.test", "https://meet.test/x", "https://meet.test?x", "https://meet.test#x"} {
		full.PublicURL = url
		if full.Validate() == nil {
			t.Errorf("%q is taken", url)
		}
	}
	full.PublicURL = "HTTPS://meet.test"
	must(t, full.Validate())
	full.Clients.Once = nil
	if full.Validate() == nil {
		t.Error("a client verifier without memory")
	}
}
