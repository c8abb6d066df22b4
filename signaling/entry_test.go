package signaling_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"incamera/auth/pki"
	"incamera/auth/token"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

func TestOnlyGoodTokensEnter(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	foreignCA, err := pki.CreateCA(t.TempDir(), "test")
	must(t, err)
	foreignID, err := foreignCA.Issue("door", pki.RoleSignaling, time.Now(), time.Hour)
	must(t, err)
	foreign := w.minter(foreignID)

	host := w.person("u:host")
	host.join(in, room, token.RoleHost)
	ada := w.person("u:ada")
	mint := func(m *token.Minter, change func(*token.Room)) string {
		c := ada.claims(room, token.RoleParticipant)
		change(&c)
		jws, err := m.MintRoom(c)
		must(t, err)
		return jws
	}
	same := func(*token.Room) {}
	good := mint(w.mint, same)
	soon := mint(w.mint, func(c *token.Room) { c.ExpiresAt = time.Now().Add(time.Second) })
	eventually(t, "the short token expires", func() bool { return time.Now().Nanosecond() > 0 && expired(soon, w) })

	mallory := w.person("u:mallory")
	for _, c := range []struct {
		name  string
		jws   string
		proof func() string
		code  wire.Code
	}{
		{"of another deployment", mint(foreign, same), nil, wire.CodeTokenInvalid},
		{"expired", soon, nil, wire.CodeTokenExpired},
		{"garbage", "not a token", nil, wire.CodeTokenInvalid},
		{"a proof by another key", good, func() string { return mallory.proof(ada.welcome.Nonce, good) }, wire.CodeProofInvalid},
		{"a proof over another nonce", good, func() string { return ada.proof("AAAAAAAAAAAAAAAAAAAAAA", good) }, wire.CodeProofInvalid},
		{"a proof for another token", good, func() string { return ada.proof(ada.welcome.Nonce, mint(w.mint, same)) }, wire.CodeProofInvalid},
		{"no proof", good, func() string { return "" }, wire.CodeProofInvalid},
		{"no such room", mint(w.mint, func(c *token.Room) {
			c.Room = token.NewRoomID()
			c.Participant = token.ParticipantID(c.Room, c.Subject)
		}), nil, wire.CodeNotFound},
	} {
		ada.hello(in)
		proof := ada.proof(ada.welcome.Nonce, c.jws)
		if c.proof != nil {
			proof = c.proof()
		}
		if got := ada.ask(joinMessage(c.jws, proof, "o")).GetError().GetCode(); got != string(c.code) {
			t.Errorf("%s: %q, want %s", c.name, got, c.code)
		}
		ada.drop()
	}
	// After all that the good token still admits, once.
	ada.hello(in)
	if m := ada.ask(joinMessage(good, ada.proof(ada.welcome.Nonce, good), "o")); m.GetJoined() == nil {
		t.Fatalf("the good token: %v", m)
	}
	again := w.person("u:ada")
	again.key, again.jkt = ada.key, ada.jkt
	again.hello(in)
	again.refused(again.ask(joinMessage(good, again.proof(again.welcome.Nonce, good), "o")), wire.CodeTokenUsed)
	ada.ok(ada.ask(chat("1", "still here")))
}

func expired(jws string, w *world) bool {
	v, err := token.NewVerifier(token.Options{Trust: w.ca.Trust(), Audience: audience})
	must(w.t, err)
	_, err = v.Room(jws)
	return token.CodeOf(err) == token.CodeExpired
}

func TestAProofIsGoodForItsSocketOnly(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{AnyoneStarts: true})
	ada := w.person("u:ada").hello(in)
	jws := ada.roomToken(room, token.RoleParticipant)
	stolen := ada.proof(ada.welcome.Nonce, jws)
	thief := w.person("u:thief").hello(in)
	thief.refused(thief.ask(joinMessage(jws, stolen, "o")), wire.CodeProofInvalid)
}

func TestTheFifthRefusedEntryEndsTheSocket(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	p := w.person("u:p").hello(in)
	for range 5 {
		p.refused(p.ask(joinMessage("x", "y", "o")), wire.CodeTokenInvalid)
	}
	if code := p.closed(); code != 4401 {
		t.Errorf("close code %d", code)
	}
}

func TestWhatAPortalVouchedForWorksOnItsPagesOnly(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{AnyoneStarts: true})
	for _, c := range []struct {
		client, origin string
		joins          bool
	}{
		{"portal", "https://portal.test", true}, {"portal", "https://app.test", false},
		{"", "https://portal.test", false}, {"", "https://app.test", true},
	} {
		p := w.person("u:" + token.NewID(""))
		p.origin = c.origin
		p.hello(in)
		claims := p.claims(room, token.RoleParticipant)
		claims.Client = c.client
		jws, err := w.mint.MintRoom(claims)
		must(t, err)
		m := p.ask(joinMessage(jws, p.proof(p.welcome.Nonce, jws), "o"))
		if joined := m.GetJoined() != nil; joined != c.joins {
			t.Errorf("client %q from %s: %v", c.client, c.origin, m)
		}
		if !c.joins {
			p.refused(m, wire.CodeUnauthorized)
		}
	}
}

func TestTheUpgradeIsRefusedToWhoHasNoBusinessHere(t *testing.T) {
	w := newWorld(t)
	in := w.instance("sig-1")
	for _, c := range []struct {
		name   string
		origin []string
		proto  string
		status int
	}{
		{"a foreign page", []string{"https://evil.test"}, wire.Subprotocol, 403},
		{"a page whose name ends alike", []string{"https://xapp.test"}, wire.Subprotocol, 403},
		{"a page whose name begins alike", []string{"https://app.test.evil.test"}, wire.Subprotocol, 403},
		{"the null origin", []string{"null"}, wire.Subprotocol, 403},
		{"two origins", []string{"https://app.test", "https://evil.test"}, wire.Subprotocol, 403},
		{"another subprotocol", nil, "chat", 400},
		{"no subprotocol", nil, "", 400},
	} {
		header := http.Header{"Origin": c.origin}
		o := &websocket.DialOptions{HTTPHeader: header}
		if c.proto != "" {
			o.Subprotocols = []string{c.proto}
		}
		conn, resp, err := websocket.Dial(t.Context(), in.url, o)
		if err == nil {
			_ = conn.CloseNow()
			t.Errorf("%s: let in", c.name)
		} else if resp == nil || resp.StatusCode != c.status {
			t.Errorf("%s: %v, want status %d", c.name, resp, c.status)
		}
	}
	for name, origin := range map[string][]string{"the own page": {"https://app.test"}, "a program": nil} {
		conn, _, err := websocket.Dial(t.Context(), in.url, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": origin}, Subprotocols: []string{wire.Subprotocol}})
		if err != nil {
			t.Errorf("the control: %s is refused: %v", name, err)
			continue
		}
		_ = conn.CloseNow()
	}
}

func TestANodeThatRefusesTheOfferLeavesNoTrace(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host, bob := w.person("u:host"), w.person("u:bob")
	host.join(in, room, token.RoleHost)
	bob.hello(in)
	jws := bob.roomToken(room, token.RoleParticipant)
	bob.refused(bob.ask(joinMessage(jws, bob.proof(bob.welcome.Nonce, jws), "refuse me")), wire.CodeBadOffer)
	host.event("bob's end", func(e *wire.Event) bool { return e.GetParticipantLeft() != nil })
	if j := bob.join(in, room, token.RoleParticipant); len(j.Snapshot.Participants) != 2 {
		t.Errorf("after a good offer: %v", j)
	}
}

func TestNobodyBeginsAMeetingWithoutAHost(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	early := w.person("u:early")
	early.refused(early.tryJoin(in, room, token.RoleParticipant), wire.CodeLobbyRequired)
}

func TestNoNodeIsSaidAsSuch(t *testing.T) {
	w := newWorld(t)
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host := w.person("u:host")
	m := host.tryJoin(in, room, token.RoleHost)
	host.refused(m, wire.CodeNoNode)
	if m.GetError().RetryAfterMs == 0 {
		t.Error("no retry is named")
	}
}

func TestAnOverloadedNodeIsSaidAsSuchAndTheSeatIsGivenBack(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host := w.person("u:host")
	host.join(in, room, token.RoleHost)
	bob := w.person("u:bob")
	bob.hello(in)
	jws := bob.roomToken(room, token.RoleParticipant)
	m := bob.ask(joinMessage(jws, bob.proof(bob.welcome.Nonce, jws), "too busy"))
	bob.refused(m, wire.CodeOverloaded)
	if m.GetError().RetryAfterMs < 5000 {
		t.Errorf("to be tried again after %d ms", m.GetError().RetryAfterMs)
	}
	host.event("bob's end", func(e *wire.Event) bool { return e.GetParticipantLeft() != nil })
}

func TestANewMeetingGoesToAnotherNodeWhenItsOwnTakesNoMore(t *testing.T) {
	w := newWorld(t)
	full, free := w.node("node-1"), w.node("node-2")
	full.mu.Lock()
	full.full = true
	full.mu.Unlock()
	free.mu.Lock()
	free.load = 0.5 // so that the other one is chosen
	free.mu.Unlock()
	free.announce()
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host := w.person("u:host")
	host.join(in, room, token.RoleHost)
	bob := w.person("u:bob")
	bob.join(in, room, token.RoleParticipant)
	for _, p := range []*person{host, bob} {
		if free.of(p.me, p.placement) == nil {
			t.Errorf("%s is not on the node that takes people", p.subject)
		}
	}
}

func TestAPersonHasOneSeat(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	for _, in := range []*instance{first, second} {
		old, again := w.person("u:ada"), w.person("u:ada")
		was := old.join(first, room, token.RoleHost)
		now := again.join(in, room, token.RoleHost)
		if bye := old.bye(); bye.Reason != "replaced" {
			t.Errorf("bye: %v", bye)
		}
		if code := old.closed(); code != 4409 {
			t.Errorf("close code %d", code)
		}
		if now.Participant != was.Participant || now.Session == was.Session || now.Placement <= was.Placement {
			t.Errorf("was %v/%v/%d, is %v/%v/%d", was.Participant, was.Session, was.Placement, now.Participant, now.Session, now.Placement)
		}
		again.ok(again.ask(chat(now.Session[:8], "here")))
		if node.of(again.me, now.Placement) == nil {
			t.Error("the node does not carry the new session")
		}
		again.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Leave{Leave: &wire.Leave{}}})
		again.bye()
	}
}

func TestAPolicyCanRefuseADoor(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1", func(o *signaling.Options) { o.Policy = closedAtNight{} })
	room := w.room(session.Facts{})
	p := w.person("u:late")
	p.refused(p.tryJoin(in, room, token.RoleHost), wire.CodeForbidden)
}
