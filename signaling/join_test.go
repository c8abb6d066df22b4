package signaling_test

import (
	"testing"

	"go.uber.org/goleak"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	mic    = wire.SourceKind_SOURCE_KIND_MIC
	camera = wire.SourceKind_SOURCE_KIND_CAMERA
	screen = wire.SourceKind_SOURCE_KIND_SCREEN
)

func TestTwoPeopleMeet(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{Title: "Budget hearing", Class: "internal"})

	ada, bob := w.person("u:ada"), w.person("u:bob")
	j := ada.join(in, room, token.RoleHost)
	if j.Answer != "answer to offer of u:ada" || len(j.Slots) != 12 || j.Placement != 1 {
		t.Errorf("joined: %v", j)
	}
	if j.Snapshot.Title != "Budget hearing" || len(j.Snapshot.Participants) != 1 || !j.Grants.Moderate || len(j.Grants.Publish) != 4 {
		t.Errorf("joined: %v", j)
	}
	if tr := node.of(ada.me, 1); tr == nil || tr.instance != "sig-1" || !tr.on[noderpc.Kind_KIND_MIC] || tr.on[noderpc.Kind_KIND_CAMERA] {
		t.Errorf("the node holds %+v", tr)
	}
	ada.wait("her transport's state", func(m *wire.ServerMessage) bool { return m.GetMediaState().GetTransport() == "connected" })

	bj := bob.join(in, room, token.RoleParticipant)
	if len(bj.Snapshot.Participants) != 2 || bj.Grants.Moderate {
		t.Errorf("bob joined: %v", bj)
	}
	e := ada.event("bob's coming", func(e *wire.Event) bool { return e.GetParticipantJoined().GetId() == bob.me })
	if e.Version <= ada.version {
		t.Errorf("version %d after %d", e.Version, ada.version)
	}

	bob.ok(bob.ask(media(camera, true)))
	ada.event("bob's camera", func(e *wire.Event) bool {
		p := e.GetParticipantChanged()
		return p.GetId() == bob.me && len(p.Media) == 4 && p.Media[1].On
	})
	if !node.of(bob.me, 1).on[noderpc.Kind_KIND_CAMERA] {
		t.Error("the node does not forward bob's camera")
	}
	ada.ok(ada.ask(chat("c1", "  good morning  ")))
	said := bob.event("the chat", func(e *wire.Event) bool { return e.GetChat() != nil }).GetChat()
	if said.Text != "good morning" || said.Participant != ada.me {
		t.Errorf("bob reads %v", said)
	}
	bob.ok(bob.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Leave{Leave: &wire.Leave{}}}))
	if bye := bob.bye(); bye.Reason != "left" {
		t.Errorf("bye: %v", bye)
	}
	if code := bob.closed(); code != 1000 {
		t.Errorf("close code %d", code)
	}
	ada.event("bob's leaving", func(e *wire.Event) bool {
		return e.GetParticipantLeft().GetParticipant() == bob.me && e.GetParticipantLeft().Reason == "left"
	})
	eventually(t, "bob's transport ends", func() bool { return node.of(bob.me, 1).closed == "left" })
}

func TestAMeetingTakesAsManyScreensAsItsRoom(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	here, there := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{Screens: 1})
	host, ada := w.person("u:host"), w.person("u:ada")
	host.join(here, room, token.RoleHost)
	ada.join(there, room, token.RoleParticipant)
	host.ok(host.ask(media(screen, true)))
	ada.refused(ada.ask(media(screen, true)), wire.CodeTooManyScreens)
	host.ok(host.ask(media(screen, false)))
	ada.ok(ada.ask(media(screen, true)))
}
