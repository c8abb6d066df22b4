package issue_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/apiclient"
	"incamera/auth/audit"
	"incamera/auth/guest"
	"incamera/auth/internal/storetest"
	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/pki"
	"incamera/auth/policy"
	"incamera/auth/roomclass"
	"incamera/auth/seal"
	"incamera/auth/store"
	"incamera/auth/streamkey"
	"incamera/auth/token"
)

const (
	aud    = "https://meet.example"
	key    = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	key2   = "1ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	open   = "k7m2q9xw4d" // takes guests, owned by ada
	secret = "k7m2q9xw4e" // class secret, owned by ada
	portal = "k7m2q9xw4f" // owned by the API client
)

var from = netip.MustParseAddr("192.0.2.7")

type world struct {
	*issue.Issuer
	o        issue.Options
	s        *store.Store
	sessions *login.Sessions
	clients  apiclient.Registry
	links    guest.Links

	invitedOnly bool

	client   apiclient.Client
	minter   *token.Minter
	verifier *token.Verifier
	trust    *pki.Trust
	now      time.Time
}

func newWorld(t *testing.T, rules ...policy.Rule) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{s: storetest.SQLite(t), now: time.Now().UTC().Truncate(time.Second)}
	now := func() time.Time { return w.now }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ca, err := pki.CreateCA(t.TempDir(), "example")
	check(err)
	id, err := ca.Issue("s1", pki.RoleSignaling, w.now, 72*time.Hour)
	check(err)
	w.trust = ca.Trust()
	reg := prometheus.NewRegistry()
	log, err := audit.New(ctx, audit.Options{Store: w.s, Identity: id, Now: now, Registerer: reg})
	check(err)
	if rules == nil {
		rules = policy.Defaults(12 * time.Hour)
	}
	engine, err := policy.Open(ctx, policy.BookOptions{Store: w.s, Base: rules, Registerer: reg, Now: now})
	check(err)
	w.sessions, err = login.New(login.Options{Store: w.s, Now: now, Idle: 24 * time.Hour})
	check(err)
	w.minter, err = token.NewMinter(token.Options{Identity: id, Audience: aud, Now: now})
	check(err)
	w.verifier, err = token.NewVerifier(token.Options{Trust: w.trust, Audience: aud, Now: now})
	check(err)
	w.clients = apiclient.Registry{Store: w.s, Now: now}
	keys, err := seal.Start(ctx, seal.Options{Store: w.s, File: filepath.Join(t.TempDir(), "seal.json")})
	check(err)
	w.links = guest.Links{Store: w.s, Seal: keys, Now: now}
	w.o = issue.Options{
		Store: w.s, Sessions: w.sessions, Clients: w.clients, Policy: engine, Audit: log, Minter: w.minter, Verifier: w.verifier,
		Streams: streamkey.Keys{Store: w.s, Now: now}, Guests: w.links, InvitedOnly: func(store.Room) bool { return w.invitedOnly }, MaxAge: time.Hour, Registerer: reg, Now: now,
	}
	w.Issuer, err = issue.New(w.o)
	check(err)
	for _, n := range []string{"ada", "bob", "eve"} {
		check(w.s.Users.Create(ctx, store.User{ID: n, Login: n, Name: strings.ToUpper(n), Role: "user", State: store.UserActive, CreatedAt: w.now}))
	}
	pub, _, _ := ed25519.GenerateKey(rand.Reader)
	jwk, _ := json.Marshal(map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(pub)})
	w.client, err = w.clients.Register(ctx, apiclient.Client{Name: "Portal", Key: string(jwk)})
	check(err)
	for _, r := range []store.Room{
		{ID: open, Title: "Open", Owner: "u:ada", Class: "internal", Guests: true},
		{ID: secret, Title: "Secret", Owner: "u:ada", Class: roomclass.Secret},
		{ID: portal, Title: "Portal", Owner: issue.ClientSubject(w.client.ID), Class: "internal", Guests: true},
	} {
		r.CreatedAt = w.now
		check(w.s.Rooms.Create(ctx, r))
	}
	return w
}

// login gives the handle of a session in one of four states.
func (w *world) login(t *testing.T, user, state string) string {
	t.Helper()
	ctx := context.Background()
	c, s, err := w.sessions.Begin(ctx, store.User{ID: user}, from, "")
	if err != nil {
		t.Fatal(err)
	}
	if state == "pending" {
		return s.ID
	}
	if state == "stale" {
		w.now = w.now.Add(-61 * time.Minute)
	}
	_, s, err = w.sessions.Elevate(ctx, c, "otp")
	if err != nil {
		t.Fatal(err)
	}
	if state == "stale" {
		w.now = w.now.Add(61 * time.Minute)
	}
	if state == "revoked" {
		if err := w.sessions.Revoke(ctx, user, s.ID); err != nil {
			t.Fatal(err)
		}
	}
	return s.ID
}

// states of the evidence for a second factor, and what every path must answer.
var states = map[string]issue.Code{
	"fresh": "", "pending": issue.CodeSecondFactorRequired, "stale": issue.CodeSecondFactorRequired,
	"revoked": issue.CodeUnauthorized, "none": issue.CodeUnauthorized,
}

func (w *world) loginIn(t *testing.T, user, state string) string {
	if state == "none" {
		return "nosuch"
	}
	return w.login(t, user, state)
}

func (w *world) evidence(state string) apiclient.Evidence {
	e := apiclient.Evidence{Methods: []string{"pwd", "otp"}, AuthTime: w.now.Add(-time.Minute)}
	switch state {
	case "pending", "none":
		e.Methods = []string{"pwd"}
	case "stale":
		e.AuthTime = w.now.Add(-61 * time.Minute)
	}
	return e
}

func (w *world) host(t *testing.T, state string) issue.Host {
	return issue.Host{Room: open, Person: token.Person{
		Subject: "u:ada", Name: "Ada", Role: token.RoleHost, Assurance: token.AssuranceMFA, Moderate: true, Login: w.loginIn(t, "ada", state),
	}, EnteredAt: w.now}
}

func (w *world) guestPass(t *testing.T) string {
	t.Helper()
	p, err := w.LobbyPass(context.Background(), issue.LobbyRequest{Room: open, Name: "Guest", Key: key2, Address: from})
	if err != nil {
		t.Fatal(err)
	}
	return p.Token
}

// TestEveryPathNeedsAFreshSecondFactor walks all ways to a room token through all states of the evidence. A method of
// the Issuer that is not in the table fails the test: whoever adds a way in must say here what guards it.
func TestEveryPathNeedsAFreshSecondFactor(t *testing.T) {
	type path struct {
		method string
		ask    func(t *testing.T, w *world, state string) (issue.Issued, error)
		lobby  bool // gives a pass that admits to nothing
	}
	ctx := context.Background()
	paths := map[string]path{
		"account": {"ForUser", func(t *testing.T, w *world, state string) (issue.Issued, error) {
			return w.ForUser(ctx, issue.UserRequest{Login: w.loginIn(t, "bob", state), Room: open, Key: key, Address: from})
		}, false},
		"API client": {"ForClient", func(t *testing.T, w *world, state string) (issue.Issued, error) {
			id := w.client.ID
			if state == "revoked" {
				w.clients.Disable(ctx, id)
			}
			if state == "none" {
				id = "nosuch"
			}
			return w.ForClient(ctx, issue.ClientRequest{Client: id, UserID: "x@y", Name: "X", Evidence: w.evidence(state), Room: portal, Key: key, Address: from})
		}, false},
		"guest, by the host's factor": {"ForGuest", func(t *testing.T, w *world, state string) (issue.Issued, error) {
			return w.ForGuest(ctx, issue.GuestRequest{Host: w.host(t, state), Pass: w.guestPass(t), Address: from})
		}, false},
		"account from the lobby, by its own factor": {"ForGuest", func(t *testing.T, w *world, state string) (issue.Issued, error) {
			pass, err := w.minter.MintLobby(token.LobbyPass{Room: open, Subject: "u:bob", Name: "Bob", Assurance: token.AssuranceMFA, Login: w.loginIn(t, "bob", state), Key: key})
			if err != nil {
				t.Fatal(err)
			}
			return w.ForGuest(ctx, issue.GuestRequest{Host: w.host(t, "fresh"), Pass: pass, Address: from})
		}, false},
		"lobby pass of an account": {"LobbyPass", func(t *testing.T, w *world, state string) (issue.Issued, error) {
			return w.LobbyPass(ctx, issue.LobbyRequest{Room: open, Login: w.loginIn(t, "bob", state), Key: key, Address: from})
		}, true},
	}
	paths["stream key, by its issuer's factor"] = path{"StreamKey", func(t *testing.T, w *world, state string) (issue.Issued, error) {
		k, err := w.StreamKey(ctx, issue.StreamKeyRequest{
			Login: w.loginIn(t, "ada", state), Room: open, Label: "Camera 1", Mode: streamkey.Publish, Life: time.Hour, Address: from,
		})
		if err != nil {
			return issue.Issued{Token: k.Secret}, err
		}
		return w.ForStream(ctx, issue.StreamRequest{Secret: k.Secret, Mode: streamkey.Publish, Key: key, Address: from})
	}, false}
	paths["guest's link, by its maker's factor"] = path{"GuestLink", func(t *testing.T, w *world, state string) (issue.Issued, error) {
		l, err := w.GuestLink(ctx, issue.GuestLinkRequest{
			Login: w.loginIn(t, "ada", state), Room: open, Mode: guest.Plain, Life: time.Hour, MaxUses: 1, Address: from,
		})
		if err != nil {
			return issue.Issued{Token: l.Secret}, err
		}
		out, err := w.InvitedPass(ctx, issue.InvitedRequest{Secret: l.Secret, Name: "Guest", Key: key2, Address: from})
		return out.Issued, err
	}, true}
	covered := map[string]bool{"ForStream": true, "InvitedPass": true} // they take what StreamKey and GuestLink give, and nothing else
	for name, p := range paths {
		covered[p.method] = true
		for state, want := range states {
			t.Run(name+"/"+state, func(t *testing.T) {
				w := newWorld(t)
				out, err := p.ask(t, w, state)
				got := issue.CodeOf(err)
				if want != "" && (got == "" || out.Token != "") {
					t.Fatalf("issued %+v, %v", out, err)
				}
				if p.method == "ForClient" && state == "revoked" {
					want = issue.CodeUnauthorized
				}
				if got != want || want == "" && err != nil {
					t.Fatalf("%v, want %q", err, want)
				}
				if want != "" {
					return
				}
				_, roomErr := w.verifier.Room(out.Token)
				_, lobbyErr := w.verifier.Lobby(out.Token)
				if (roomErr == nil) == p.lobby || (lobbyErr == nil) != p.lobby {
					t.Fatal(roomErr, lobbyErr)
				}
				if _, err := audit.Verify(ctx, w.s, w.trust); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for _, asks := range []string{"Need", "Meets", "Sits", "Possible", "Classes", "Invited", "InvitedOnly", "MaySponsor"} {
		covered[asks] = true // says what is asked for, and issues nothing
	}
	typ := reflect.TypeFor[*issue.Issuer]()
	for i := range typ.NumMethod() {
		if n := typ.Method(i).Name; !covered[n] {
			t.Errorf("%s is a way in that this table does not walk", n)
		}
	}
}

func TestPeopleGetTheRoleTheyHave(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.s.Members.Set(ctx, store.Member{Room: secret, Subject: "u:bob", Role: "viewer"})
	for _, c := range []struct {
		user, room string
		role       token.Role
		moderate   bool
		publish    int
		code       issue.Code
	}{
		{"ada", open, token.RoleHost, true, 4, ""},
		{"bob", open, token.RoleParticipant, false, 4, ""},
		{"ada", secret, token.RoleHost, true, 4, ""},
		{"bob", secret, token.RoleViewer, false, 0, ""},
		{"eve", secret, "", false, 0, issue.CodeLobbyRequired},
		{"ada", "k7m2q9xw4g", "", false, 0, issue.CodeNotFound},
		{"ada", "*", "", false, 0, issue.CodeNotFound},
	} {
		out, err := w.ForUser(ctx, issue.UserRequest{Login: w.login(t, c.user, "fresh"), Room: c.room, Key: key, Address: from})
		if issue.CodeOf(err) != c.code {
			t.Errorf("%s in %s: %v", c.user, c.room, err)
			continue
		}
		if err != nil {
			continue
		}
		r, err := w.verifier.Room(out.Token)
		if err != nil || r.Role != c.role || r.Moderate != c.moderate || len(r.Publish) != c.publish || r.Key != key || r.Room != c.room ||
			r.ID != out.ID || r.Participant != out.Participant || !r.ExpiresAt.Equal(w.now.Add(time.Minute)) {
			t.Errorf("%s in %s: %+v %v", c.user, c.room, r, err)
		}
	}
	if _, err := w.ForUser(ctx, issue.UserRequest{Login: w.login(t, "ada", "fresh"), Room: open, Key: "short"}); issue.CodeOf(err) != issue.CodeInvalid {
		t.Error(err)
	}
}

func TestAGuestComesInAsAGuestOnly(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	pass := w.guestPass(t)
	out, err := w.ForGuest(ctx, issue.GuestRequest{Host: w.host(t, "fresh"), Pass: pass, Address: from})
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.verifier.Room(out.Token)
	if err != nil || r.Assurance != token.AssuranceGuest || r.Role != token.RoleParticipant || r.Moderate || r.Sponsor != "u:ada" || r.Key != key2 || r.Login != "" {
		t.Fatalf("%+v %v", r, err)
	}
	host := func(change func(*issue.Host)) issue.Host {
		h := w.host(t, "fresh")
		change(&h)
		return h
	}
	other, _ := w.minter.MintLobby(token.LobbyPass{Room: portal, Subject: "g:x", Name: "G", Assurance: token.AssuranceGuest, Key: key})
	vouched, _ := w.minter.MintLobby(token.LobbyPass{Room: open, Subject: "u:bob", Name: "B", Assurance: token.AssuranceMFA, Key: key})
	stolen, _ := w.minter.MintLobby(token.LobbyPass{Room: open, Subject: "u:ada", Name: "A", Assurance: token.AssuranceMFA, Login: w.login(t, "eve", "fresh"), Key: key})
	for name, q := range map[string]issue.GuestRequest{
		"no pass":                        {Host: w.host(t, "fresh")},
		"a room token as pass":           {Host: w.host(t, "fresh"), Pass: out.Token},
		"a pass for another room":        {Host: w.host(t, "fresh"), Pass: other},
		"a pass verified by nobody":      {Host: w.host(t, "fresh"), Pass: vouched},
		"a pass in another's name":       {Host: w.host(t, "fresh"), Pass: stolen},
		"host who may not moderate":      {Host: host(func(h *issue.Host) { h.Person.Moderate = false }), Pass: pass},
		"guest as host":                  {Host: host(func(h *issue.Host) { h.Person.Assurance = token.AssuranceGuest }), Pass: pass},
		"host with another's login":      {Host: host(func(h *issue.Host) { h.Person.Login = w.login(t, "eve", "fresh") }), Pass: pass},
		"host with neither":              {Host: host(func(h *issue.Host) { h.Person.Login = "" }), Pass: pass},
		"host of a client, foreign room": {Host: host(func(h *issue.Host) { h.Person.Login, h.Person.Client = "", w.client.ID }), Pass: pass},
	} {
		if out, err := w.ForGuest(ctx, q); err == nil || issue.CodeOf(err) == "" {
			t.Errorf("%s: %+v %v", name, out, err)
		}
	}
	for _, q := range []issue.LobbyRequest{
		{Room: secret, Name: "Guest", Key: key}, {Room: open, Name: "", Key: key}, {Room: open, Name: "a\u202eb", Key: key}, {Room: open, Name: "Guest", Key: "x"},
		{Room: "*", Name: "Guest", Key: key},
	} {
		if out, err := w.LobbyPass(ctx, q); err == nil {
			t.Errorf("%+v gave %+v", q, out)
		}
	}
}

func TestAClientsHostAdmitsInTheClientsRoomForAWhile(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	out, err := w.ForClient(ctx, issue.ClientRequest{Client: w.client.ID, UserID: "42", Name: "Host", Role: token.RoleHost,
		Evidence: apiclient.Evidence{Methods: []string{"hwk"}, AuthTime: w.now}, Room: portal, Key: key, Address: from})
	if err != nil || out.Person.Assurance != token.AssurancePhishingResistant || !out.Person.Moderate {
		t.Fatalf("%+v %v", out, err)
	}
	pass, err := w.LobbyPass(ctx, issue.LobbyRequest{Room: portal, Name: "Guest", Key: key2})
	if err != nil {
		t.Fatal(err)
	}
	h := issue.Host{Room: portal, Person: out.Person, EnteredAt: w.now}
	if err := w.MaySponsor(ctx, h); err != nil {
		t.Error(err)
	}
	if _, err := w.ForGuest(ctx, issue.GuestRequest{Host: h, Pass: pass.Token}); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(61 * time.Minute)
	if err := w.MaySponsor(ctx, h); issue.CodeOf(err) != issue.CodeSecondFactorRequired {
		t.Errorf("a host whose factor is stale may vouch: %v", err)
	}
	again := h
	again.Person.FactorAt = w.now // asked for it during the call
	if err := w.MaySponsor(ctx, again); err != nil {
		t.Errorf("a host who gave the factor again may not vouch: %v", err)
	}
	if _, err := w.ForGuest(ctx, issue.GuestRequest{Host: h, Pass: pass.Token}); issue.CodeOf(err) != issue.CodeSecondFactorRequired {
		t.Error(err)
	}
	w.now = w.now.Add(-61 * time.Minute)
	w.clients.Disable(ctx, w.client.ID)
	if _, err := w.ForGuest(ctx, issue.GuestRequest{Host: h, Pass: pass.Token}); issue.CodeOf(err) != issue.CodeUnauthorized {
		t.Error(err)
	}
}

func TestClientsStayInTheirRoomsAndNames(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	ask := func(change func(*issue.ClientRequest)) issue.Code {
		q := issue.ClientRequest{Client: w.client.ID, UserID: "42", Name: "X", Evidence: w.evidence("fresh"), Room: portal, Key: key}
		change(&q)
		_, err := w.ForClient(ctx, q)
		return issue.CodeOf(err)
	}
	for name, c := range map[string]struct {
		want   issue.Code
		change func(*issue.ClientRequest)
	}{
		"its own room":     {"", func(*issue.ClientRequest) {}},
		"another's room":   {issue.CodeForbidden, func(q *issue.ClientRequest) { q.Room = open }},
		"unknown role":     {issue.CodeInvalid, func(q *issue.ClientRequest) { q.Role = "king" }},
		"no user":          {issue.CodeInvalid, func(q *issue.ClientRequest) { q.UserID = "" }},
		"user with spaces": {issue.CodeInvalid, func(q *issue.ClientRequest) { q.UserID = "a b" }},
		"name of controls": {issue.CodeInvalid, func(q *issue.ClientRequest) { q.Name = "\x1b[2J" }},
		"a future factor":  {issue.CodeSecondFactorRequired, func(q *issue.ClientRequest) { q.Evidence.AuthTime = w.now.Add(time.Minute) }},
	} {
		if got := ask(c.change); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
