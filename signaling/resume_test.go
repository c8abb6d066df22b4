package signaling_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"incamera/auth/token"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

type closedAtNight struct{}

func (closedAtNight) Enter(context.Context, session.Entrance) error { return errors.New("it is night") }

func TestADroppedSocketIsResumedOnAnyInstance(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	host, ada := w.person("u:host"), w.person("u:ada")
	host.join(first, room, token.RoleHost)
	ada.join(first, room, token.RoleParticipant)
	placed := ada.placement

	for i, in := range []*instance{first, second, first} {
		ada.drop()
		away := host.event("ada's absence", func(e *wire.Event) bool {
			return e.GetParticipantChanged().GetId() == ada.me && !e.GetParticipantChanged().Present
		})
		host.ok(host.ask(chat(fmt.Sprint("missed", i), "you missed this")))
		r := ada.resume(in, "")
		if r.Participant != ada.me || r.Session != ada.session || r.Placement != placed || r.Answer != "" || r.Snapshot != nil {
			t.Fatalf("resumed: %v", r)
		}
		version := ada.version
		for version < away.Version+2 { // away, chat, back
			e := ada.event("the next event", func(*wire.Event) bool { return true })
			if e.Version != version+1 {
				t.Fatalf("event %d after %d", e.Version, version)
			}
			version = e.Version
		}
		ada.version = version
		host.event("ada's return", func(e *wire.Event) bool {
			return e.GetParticipantChanged().GetId() == ada.me && e.GetParticipantChanged().Present
		})
		if tr := node.of(ada.me, placed); tr.instance != in.id || tr.attached != i+1 || tr.closed != "" {
			t.Errorf("the node tells %s (%d attachments, closed %q)", tr.instance, tr.attached, tr.closed)
		}
		node.say(room, ada.me, placed, speaking(1))
		ada.wait("who speaks", func(m *wire.ServerMessage) bool { return m.GetSpeakers() != nil })
	}
}

func TestAResumeTakesTheHalfOpenSocketsPlace(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	for _, in := range []*instance{first, second} {
		ada := w.person("u:ada")
		ada.join(first, room, token.RoleHost)
		old := ada.in // its connection is not cut: nobody has noticed yet
		ada.resume(in, "")
		m, err := old.take(func(m *wire.ServerMessage) bool { return m.GetBye() != nil }, 5*time.Second)
		if err != nil || m.GetBye().Reason != "replaced" {
			t.Errorf("the old socket hears %v, %v", m, err)
		}
		ada.ok(ada.ask(chat("c"+in.id, "back")))
		// The old socket's end must not mark the person away.
		e := ada.event("the chat", func(e *wire.Event) bool {
			if p := e.GetParticipantChanged(); p != nil && !p.Present {
				t.Error("marked away")
			}
			return e.GetChat() != nil
		})
		ada.version = e.Version
		ada.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Leave{Leave: &wire.Leave{}}})
		ada.bye()
	}
}

func TestResumeWithAnOfferOpensTheNextPlacement(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	ada := w.person("u:ada")
	ada.join(in, room, token.RoleHost)
	ada.ok(ada.ask(media(camera, true)))
	ada.drop()
	r := ada.resume(in, "second offer")
	if r.Answer != "answer to second offer" || len(r.Slots) != 12 || r.Placement != 2 {
		t.Errorf("resumed: %v", r)
	}
	tr := node.of(ada.me, 2)
	if tr == nil || !tr.on[2] || tr.grant.Session != ada.session {
		t.Errorf("the node holds %+v", tr)
	}
	eventually(t, "the old transport ends", func() bool { return node.of(ada.me, 1).closed != "" })
}

func TestATransportThatIsGoneAtResumeIsMoved(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	ada := w.person("u:ada")
	ada.join(in, room, token.RoleHost)
	ada.drop()
	node.set(func(n *fakeNode) { n.all[key(ada.me, 1)].closed = "timeout" })
	ada.resume(in, "")
	ada.followMove(t, "node_lost")
}

func TestTicketsThatDoNotResume(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	short := w.instance("sig-2", func(o *signaling.Options) { o.Limits.TicketLife = time.Second })
	room := w.room(session.Facts{})
	host := w.person("u:host")
	host.join(in, room, token.RoleHost)

	late := w.person("u:late")
	late.join(short, room, token.RoleParticipant)
	stale := late.ticket
	late.drop()
	v, err := token.NewVerifier(token.Options{Trust: w.ca.Trust(), Audience: audience})
	must(t, err)
	eventually(t, "the ticket expires", func() bool { _, err := v.Ticket(stale); return token.CodeOf(err) == token.CodeExpired })
	late.refused(late.tryResume(in, ""), wire.CodeTicketExpired)

	thief := w.person("u:thief")
	ada := w.person("u:ada")
	ada.join(in, room, token.RoleParticipant)
	thief.ticket = ada.ticket
	thief.refused(thief.tryResume(in, ""), wire.CodeProofInvalid)

	forged := *ada
	forged.ticket = ada.ticket[:len(ada.ticket)-8] + "AAAAAAAA"
	forged.refused(forged.tryResume(in, ""), wire.CodeTicketInvalid)

	first := ada.ticket
	ada.join(in, room, token.RoleParticipant) // a newer session: the older one's ticket is void
	current := *ada
	current.ticket = first
	current.refused(current.tryResume(in, ""), wire.CodeTicketInvalid)

	host.ok(host.ask(remove(ada.me, false)))
	ada.bye()
	ada.refused(ada.tryResume(in, ""), wire.CodeRemoved)

	roomToken := w.person("u:x")
	roomToken.ticket = roomToken.roomToken(room, token.RoleParticipant) // one object is never good as another
	roomToken.refused(roomToken.tryResume(in, ""), wire.CodeTicketInvalid)
}

func TestTicketsAreRotated(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1", func(o *signaling.Options) { o.Limits.TicketEvery = 50 * time.Millisecond })
	room := w.room(session.Facts{})
	ada := w.person("u:ada")
	ada.join(in, room, token.RoleHost)
	m := ada.wait("a ticket", func(m *wire.ServerMessage) bool { return m.GetTicket() != nil })
	ada.ticket = m.GetTicket().Ticket
	ada.drop()
	ada.resume(in, "")
}

func TestADrainingInstanceSendsPeopleElsewhere(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	ada := w.person("u:ada")
	ada.join(first, room, token.RoleHost)
	done := make(chan struct{})
	go func() { defer close(done); first.close() }()
	if bye := ada.bye(); bye.Reason != "draining" {
		t.Errorf("bye: %v", bye)
	}
	if code := ada.closed(); code != 1001 {
		t.Errorf("close code %d", code)
	}
	ada.resume(second, "")
	ada.ok(ada.ask(chat("c", "moved house")))
	<-done
}

func TestWhoIsFarBehindGetsASnapshot(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	ada := w.person("u:ada")
	ada.join(in, room, token.RoleHost)
	ada.drop()
	ada.version = 0
	if r := ada.resume(in, ""); r.Snapshot == nil || len(r.Snapshot.Participants) != 1 {
		t.Errorf("resumed: %v", r)
	}
}
