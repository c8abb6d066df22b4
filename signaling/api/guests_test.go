package api

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"incamera/auth/guest"
	"incamera/auth/mail"
	"incamera/auth/seal"
)

// mailbox takes letters instead of a relay; full says no.
type mailbox struct {
	mu   sync.Mutex
	got  []mail.Message
	full bool
}

func (b *mailbox) Send(m mail.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full {
		return mail.ErrBusy
	}
	if err := m.Validate(); err != nil {
		return err
	}
	b.got = append(b.got, m)
	return nil
}

func (b *mailbox) last(t *testing.T) mail.Message {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.got) == 0 {
		t.Fatal("no letter was sent")
	}
	return b.got[len(b.got)-1]
}

func withMail(t *testing.T) (*world, *mailbox) {
	b := &mailbox{}
	return buildWorld(t, httpsURL, func(o *Options, _ *seal.Keys) { o.Mail = b }), b
}

// secretOf is what follows the # of a link.
func secretOf(t *testing.T, link string) string {
	t.Helper()
	before, secret, ok := strings.Cut(link, "#")
	if !ok || before != httpsURL+"/g" || len(secret) < 40 {
		t.Fatalf("%q does not keep its secret in the fragment", link)
	}
	return secret
}

func TestAHostInvitesAGuestWhoWaitsAtTheDoor(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	host := admin.user("zhao", "192.0.2.3")
	room := host.want(201, "", "POST", "/api/v1/rooms", fields{"title": "By invitation"}).text("id")
	path := "/api/v1/rooms/" + room + "/guest-links"
	made := host.want(201, "", "POST", path, fields{"label": "Kim of Audit"})
	secret := secretOf(t, made.text("link"))
	list := host.want(200, "", "GET", path, nil)
	if strings.Contains(list.raw, secret) || !strings.Contains(list.raw, "Kim of Audit") || !strings.Contains(list.raw, `"mail":false`) {
		t.Fatal(list.raw)
	}
	stranger := w.agent("192.0.2.8")
	stranger.want(403, "invitation_required", "POST", "/api/v1/rooms/"+room+"/lobby", fields{"jkt": thumb, "name": "Kim"})
	facts := stranger.want(200, "", "POST", "/api/v1/guest/link", fields{"secret": secret})
	if !strings.Contains(facts.raw, `"code":"none"`) || !strings.Contains(facts.raw, room) {
		t.Fatal(facts.raw)
	}
	got := stranger.want(200, "", "POST", "/api/v1/guest/lobby", fields{"secret": secret, "name": "Kim", "jkt": thumb})
	pass, err := w.tokens.Lobby(got.text("pass"))
	if err != nil || pass.Name != "Kim" || pass.Assurance != "guest" || pass.Login != "" || got.text("room") != room {
		t.Fatalf("%+v %v", pass, err)
	}
	again := stranger.want(200, "", "POST", "/api/v1/guest/lobby", fields{"secret": secret, "name": "Kim", "jkt": thumb2, "visit": got.text("visit")})
	if p, _ := w.tokens.Lobby(again.text("pass")); p.Subject != pass.Subject {
		t.Error("with another key they are somebody else")
	}
	stranger.want(403, "guest_link_invalid", "POST", "/api/v1/guest/lobby", fields{"secret": secret, "name": "Lee", "jkt": thumb})
	stranger.want(400, "bad_request", "POST", "/api/v1/guest/lobby", fields{"secret": secret, "name": "a\u202eb", "jkt": thumb})
	stranger.want(400, "bad_request", "POST", "/api/v1/guest/code", fields{"secret": secret, "visit": got.text("visit")})

	admin.want(204, "", "DELETE", path+"/"+made.text("id"), nil)
	stranger.want(403, "guest_link_invalid", "POST", "/api/v1/guest/lobby", fields{"secret": secret, "name": "Kim", "jkt": thumb, "visit": got.text("visit")})
	host.want(404, "not_found", "DELETE", path+"/"+made.text("id"), nil)
	for _, want := range []string{"guest.invite u:" + host.userID + " room:" + room + " ok", "guest.revoke u:" + admin.userID + " room:" + room + " ok", "lobby.pass " + pass.Subject + " room:" + room + " ok"} {
		if !slices.Contains(w.entries(), want) {
			t.Errorf("not on record: %q", want)
		}
	}
	rows, err := w.store.Audit.After(context.Background(), 0, 1000)
	must(t, err)
	for place, text := range map[string]string{"log": w.said(), "record": lines(rows)} {
		for _, s := range []string{secret, got.text("visit")} {
			if strings.Contains(text, s) {
				t.Errorf("a secret is in the %s", place)
			}
		}
	}
}

func TestALinkIsAskedForWellOrNotAtAll(t *testing.T) {
	w, box := withMail(t)
	admin := w.admin()
	host := admin.user("zhao", "192.0.2.3")
	path := "/api/v1/rooms/" + host.room("internal") + "/guest-links"
	for _, bad := range []fields{
		{"life_ms": 1}, {"life_ms": 31 * 86400_000}, {"max_uses": 0}, {"max_uses": 101}, {"code": "sms"}, {"code": "mail"},
		{"mail": "kim@example.org"}, {"send": true}, {"code": "mail", "mail": "kim"}, {"code": "voice", "mail": "kim@example.org"},
		{"code": "mail", "mail": "kim@example.org\r\nBcc: eve@example.org"}, {"code": "mail", "mail": "kim@example.org,eve@example.org"},
		{"label": "a\u202eb"}, {"owner": "u:1"},
	} {
		host.want(400, "bad_request", "POST", path, bad)
	}
	admin.user("wei", "192.0.2.6").want(403, "forbidden", "POST", path, fields{})
	admin.want(403, "forbidden", "POST", path, fields{})
	closed := host.want(201, "", "POST", "/api/v1/rooms", fields{"title": "No guests", "guests": false}).text("id")
	host.want(403, "forbidden", "POST", "/api/v1/rooms/"+closed+"/guest-links", fields{})
	w.pass(3 * time.Hour) // the second factor is not fresh any more
	host.want(403, "second_factor_required", "POST", path, fields{})
	if len(box.got) != 0 {
		t.Error(box.got)
	}
	plain := newWorld(t, httpsURL)
	other := plain.admin()
	other.want(409, "mail_unavailable", "POST", "/api/v1/rooms/"+other.room("internal")+"/guest-links", fields{"code": "mail", "mail": "kim@example.org"})
}

func TestACodeGoesByMailAndOpensTheDoorOnce(t *testing.T) {
	w, box := withMail(t)
	host := w.admin().user("zhao", "192.0.2.3")
	path := "/api/v1/rooms/" + host.room("internal") + "/guest-links"
	made := host.want(201, "", "POST", path, fields{"code": "mail", "mail": "Kim@example.org", "send": true, "max_uses": 3})
	secret := secretOf(t, made.text("link"))
	if sent, _ := made.body["mail_sent"].(bool); !sent {
		t.Error(made.raw)
	}
	if m := box.last(t); m.Kind != mail.Invitation || m.To != "kim@example.org" || !strings.Contains(m.Text, "/g#"+secret) {
		t.Errorf("%+v", m)
	}
	kim := w.agent("192.0.2.8")
	facts := kim.want(200, "", "POST", "/api/v1/guest/link", fields{"secret": secret})
	if facts.text("code") != "mail" || facts.text("sent_to") != "k…@example.org" {
		t.Error(facts.raw)
	}
	enter := func(code string) reply {
		return kim.call("POST", "/api/v1/guest/lobby", fields{"secret": secret, "name": "Kim", "jkt": thumb, "code": code})
	}
	if got := enter("123456"); got.code != "guest_code_invalid" {
		t.Error(got.raw)
	}
	w.pass(time.Minute)
	kim.want(204, "", "POST", "/api/v1/guest/code", fields{"secret": secret})
	if got := kim.want(429, "throttled", "POST", "/api/v1/guest/code", fields{"secret": secret}); got.retry != guest.CodePause.Milliseconds() {
		t.Error(got.raw)
	}
	letter := box.last(t)
	code := strings.Split(letter.Text, "\n\n")[1]
	if letter.Kind != mail.Code || len(code) != 6 || !letter.Until.Equal(w.clock().Add(guest.CodeLife)) {
		t.Fatalf("%+v", letter)
	}
	if list := host.want(200, "", "GET", path, nil); strings.Contains(list.raw, code) {
		t.Error("the host sees a code that was mailed")
	}
	if got := enter(code); got.status != 200 {
		t.Fatal(got.raw)
	}
	if got := enter(code); got.code != "guest_code_invalid" {
		t.Error(got.raw)
	}
	box.full = true
	w.pass(time.Minute)
	kim.want(503, "unavailable", "POST", "/api/v1/guest/code", fields{"secret": secret})
	if strings.Contains(w.said(), code) || strings.Contains(w.said(), "kim@") {
		t.Error("the log tells")
	}
}

func TestACodeByVoiceIsShownToHostsOnly(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	host := admin.user("zhao", "192.0.2.3")
	path := "/api/v1/rooms/" + host.room("internal") + "/guest-links"
	secret := secretOf(t, host.want(201, "", "POST", path, fields{"code": "voice"}).text("link"))
	kim := w.agent("192.0.2.8")
	w.pass(time.Minute)
	kim.want(204, "", "POST", "/api/v1/guest/code", fields{"secret": secret})
	links := host.want(200, "", "GET", path, nil).body["guest_links"].([]any)
	spoken, _ := links[0].(map[string]any)["spoken"].(map[string]any)
	code, _ := spoken["code"].(string)
	if len(code) != 6 {
		t.Fatal(links)
	}
	if got := admin.want(200, "", "GET", path, nil); strings.Contains(got.raw, code) { // who may end rooms, and does not host this one
		t.Error(got.raw)
	}
	kim.want(200, "", "POST", "/api/v1/guest/lobby", fields{"secret": secret, "name": "Kim", "jkt": thumb, "code": code})
}
