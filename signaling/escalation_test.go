package signaling_test

import (
	"encoding/json"
	"strings"
	"testing"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// A client that was changed to ask for more gets no more, and nothing moves; the control at the end shows that the
// host's word does what the client's did not.
func TestAModifiedClientGainsNothing(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host, eve := w.person("u:host"), w.person("u:eve")
	host.join(in, room, token.RoleHost)

	// words that no message has, in a join and afterwards
	eve.hello(in)
	jws := eve.roomToken(room, token.RoleViewer)
	join := map[string]any{"token": jws, "proof": eve.proof(eve.welcome.Nonce, jws), "offer": "o", "role": "ROLE_HOST", "moderate": true}
	data, err := json.Marshal(map[string]any{"id": 90, "join": join})
	must(t, err)
	eve.raw(data)
	eve.refused(eve.wait("an answer", func(m *wire.ServerMessage) bool { return m.GetError() != nil }), wire.CodeBadMessage)
	// claims that nobody signed
	parts := strings.Split(jws, ".")
	forged := parts[0] + "." + strings.Split(host.roomToken(room, token.RoleHost), ".")[1] + "." + parts[2]
	eve.hello(in)
	eve.refused(eve.ask(joinMessage(forged, eve.proof(eve.welcome.Nonce, forged), "o")), wire.CodeTokenInvalid)
	// somebody else's token and ticket
	other := host.roomToken(room, token.RoleHost)
	eve.refused(eve.ask(joinMessage(other, eve.proof(eve.welcome.Nonce, other), "o")), wire.CodeProofInvalid)
	eve.hello(in)
	eve.refused(eve.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Resume{Resume: &wire.Resume{
		Ticket: host.ticket, Proof: eve.proof(eve.welcome.Nonce, host.ticket), Version: host.version,
	}}}), wire.CodeProofInvalid)

	// as a viewer who means to speak
	eve.join(in, room, token.RoleViewer)
	published := func() bool {
		tr := node.of(eve.me, 1)
		return len(tr.grant.Publish) > 0 || tr.on[noderpc.Kind_KIND_MIC]
	}
	for _, kind := range []wire.SourceKind{mic, wire.SourceKind_SOURCE_KIND_CAMERA, wire.SourceKind_SOURCE_KIND_SCREEN} {
		eve.refused(eve.ask(media(kind, true)), wire.CodeForbidden)
	}
	eve.refused(eve.ask(setRole(eve.me, wire.Role_ROLE_HOST)), wire.CodeForbidden)
	eve.refused(eve.ask(mute(eve.me, mic, false, true)), wire.CodeForbidden)
	if published() {
		t.Fatal("a viewer publishes")
	}
	host.ok(host.ask(setRole(eve.me, wire.Role_ROLE_PRESENTER)))
	eve.ok(eve.ask(media(mic, true)))
	eventually(t, "the control: a presenter publishes", published)
}
