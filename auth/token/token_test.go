package token_test

import (
	"reflect"
	"testing"
	"time"

	"incamera/auth/pki"
	"incamera/auth/token"
)

const aud = "https://meet.example"

var t0 = time.Now().UTC().Truncate(time.Second) // the CA's certificate starts at the real now

type world struct {
	ca       *pki.CA
	sig      *pki.Identity
	node     *pki.Identity
	minter   *token.Minter
	verifier *token.Verifier
	now      time.Time
	revoked  map[string]bool // keys
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{now: t0, revoked: map[string]bool{}}
	var err error
	if w.ca, err = pki.CreateCA(t.TempDir(), "example"); err != nil {
		t.Fatal(err)
	}
	w.sig, w.node = w.issue(t, "s1", pki.RoleSignaling), w.issue(t, "n1", pki.RoleNode)
	if w.minter, err = token.NewMinter(token.Options{Identity: w.sig, Audience: aud, Now: func() time.Time { return w.now }}); err != nil {
		t.Fatal(err)
	}
	if w.verifier, err = token.NewVerifier(token.Options{
		Trust: w.ca.Trust(), Audience: aud, Now: func() time.Time { return w.now }, Revoked: func(kid string) bool { return w.revoked[kid] },
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) issue(t testing.TB, id string, role pki.Role) *pki.Identity {
	t.Helper()
	i, err := w.ca.Issue(id, role, t0, 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

const room, jkt = "k7m2q9xw4d", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

func person() token.Person {
	return token.Person{Subject: "u:ada", Name: "Ada", Role: token.RoleHost, Assurance: token.AssuranceMFA, Login: "l1",
		Publish: token.AllKinds(), Chat: true, Roster: true, Moderate: true}
}

func goodRoom() token.Room {
	return token.Room{ID: "jti1", Room: room, Participant: token.ParticipantID(room, "u:ada"), Person: person(), Key: jkt}
}

func goodTicket() token.Ticket {
	return token.Ticket{Room: room, Meeting: "m1", Participant: token.ParticipantID(room, "u:ada"), Session: "s_1", Number: 1,
		SessionVersion: 2, Person: person(), Key: jkt, Node: "n1", Placement: 3, EnteredAt: t0}
}

func goodAdmission() token.Admission {
	return token.Admission{Room: room, Waiter: "w_1", Person: person(), EnteredAt: t0}
}

func goodLobby() token.LobbyPass {
	return token.LobbyPass{Room: room, Waiter: "w_1", Subject: "g:1", Name: "Guest", Assurance: token.AssuranceGuest, Key: jkt}
}

func goodGrant() token.Grant {
	return token.Grant{ID: "g1", Room: room, Meeting: "m1", Participant: token.ParticipantID(room, "u:ada"), Session: "s_1",
		Number: 1, SessionVersion: 1, Node: "n1", Placement: 1, Publish: []token.Kind{token.Mic}, Subscribe: true, E2EE: true}
}

func TestWhatIsMintedIsReadBack(t *testing.T) {
	w := newWorld(t)
	must := func(s string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	r, err := w.verifier.Room(must(w.minter.MintRoom(goodRoom())))
	want := goodRoom()
	want.Audience, want.IssuedAt, want.ExpiresAt = aud, t0, t0.Add(time.Minute)
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("room: %v\n%+v\n%+v", err, r, want)
	}
	k, err := w.verifier.Ticket(must(w.minter.MintTicket(goodTicket())))
	wantK := goodTicket()
	wantK.Audience, wantK.IssuedAt, wantK.ExpiresAt = aud, t0, t0.Add(token.DefaultTicketLife)
	if err != nil || !reflect.DeepEqual(k, wantK) {
		t.Errorf("ticket: %v\n%+v\n%+v", err, k, wantK)
	}
	l, err := w.verifier.Lobby(must(w.minter.MintLobby(goodLobby())))
	wantL := goodLobby()
	wantL.Audience, wantL.IssuedAt, wantL.ExpiresAt = aud, t0, t0.Add(token.DefaultLobbyLife)
	if err != nil || !reflect.DeepEqual(l, wantL) {
		t.Errorf("lobby: %v\n%+v\n%+v", err, l, wantL)
	}
	a, err := w.verifier.Admission(must(w.minter.MintAdmission(goodAdmission())))
	wantA := goodAdmission()
	wantA.Audience, wantA.IssuedAt, wantA.ExpiresAt = aud, t0, t0.Add(token.MaxAdmissionLife)
	if err != nil || !reflect.DeepEqual(a, wantA) {
		t.Errorf("admission: %v\n%+v\n%+v", err, a, wantA)
	}
	g, err := w.verifier.Grant(must(w.minter.MintGrant(goodGrant())))
	wantG := goodGrant()
	wantG.Signer, wantG.IssuedAt, wantG.ExpiresAt = "s1", t0, t0.Add(token.DefaultGrantLife)
	if err != nil || !reflect.DeepEqual(g, wantG) {
		t.Errorf("grant: %v\n%+v\n%+v", err, g, wantG)
	}
}

func TestTimesAreExactAtTheirEdges(t *testing.T) {
	w := newWorld(t)
	s, err := w.minter.MintRoom(goodRoom())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   time.Duration
		want token.Code
	}{
		{-6 * time.Second, token.CodeNotYet}, {-5 * time.Second, ""}, {0, ""}, {59 * time.Second, ""},
		{60*time.Second - time.Nanosecond, ""}, {60 * time.Second, token.CodeExpired}, {61 * time.Second, token.CodeExpired},
	} {
		w.now = t0.Add(c.at)
		if _, err := w.verifier.Room(s); token.CodeOf(err) != c.want {
			t.Errorf("at %v: %v", c.at, err)
		}
	}
}

func TestTheMinterRefusesWhatTheVerifierWould(t *testing.T) {
	w := newWorld(t)
	bad := map[string]func(*token.Room){
		"wildcard room":        func(r *token.Room) { r.Room = "*" },
		"another participant":  func(r *token.Room) { r.Participant = token.ParticipantID(room, "u:eve") },
		"no key":               func(r *token.Room) { r.Key = "" },
		"an hour":              func(r *token.Room) { r.ExpiresAt = t0.Add(time.Hour) },
		"already over":         func(r *token.Room) { r.ExpiresAt = t0.Add(-time.Second) },
		"unknown role":         func(r *token.Room) { r.Role = "king" },
		"guest, no sponsor":    func(r *token.Room) { r.Assurance, r.Moderate = token.AssuranceGuest, false },
		"moderating viewer":    func(r *token.Room) { r.Role = token.RoleViewer },
		"twice the mic":        func(r *token.Room) { r.Publish = []token.Kind{1, 1} },
		"kind 9":               func(r *token.Room) { r.Publish = []token.Kind{9} },
		"name turns text back": func(r *token.Room) { r.Name = "A\u202eda" },
		"name with line end":   func(r *token.Room) { r.Name = "A\nda" },
	}
	for name, change := range bad {
		r := goodRoom()
		change(&r)
		if s, err := w.minter.MintRoom(r); err == nil {
			t.Errorf("%s: minted %s", name, s)
		}
	}
	if _, err := token.NewMinter(token.Options{Identity: w.node, Audience: aud}); err == nil {
		t.Error("a node got a minter")
	}
}

func TestIDsAreSpelledAsTheProtocolSays(t *testing.T) {
	for range 200 {
		if id := token.NewRoomID(); !token.ValidRoomID(id) {
			t.Fatal(id)
		}
	}
	a, b := token.ParticipantID(room, "u:ada"), token.ParticipantID(room, "u:bob")
	if a == b || a != token.ParticipantID(room, "u:ada") || len(a) != 18 {
		t.Fatal(a, b)
	}
}
