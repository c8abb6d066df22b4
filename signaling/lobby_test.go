package signaling_test

import (
	"testing"
	"time"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// wait4 puts a guest at the door of a room.
func (p *person) wait4(t *testing.T, in *instance, room string) *wire.Waiting {
	t.Helper()
	p.hello(in)
	pass, err := p.w.mint.MintLobby(token.LobbyPass{
		Room: room, Subject: p.subject, Name: "Grace", Assurance: token.AssuranceGuest, Key: p.jkt,
	})
	must(t, err)
	m := p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_EnterLobby{EnterLobby: &wire.EnterLobby{
		Pass: pass, Proof: p.proof(p.welcome.Nonce, pass), Name: "Somebody Else",
	}}})
	if m.GetWaiting() == nil {
		t.Fatalf("not waiting: %v", m)
	}
	p.room = room
	return m.GetWaiting()
}

func admit(waiter string) *wire.ClientMessage {
	return &wire.ClientMessage{Body: &wire.ClientMessage_Admit{Admit: &wire.Admit{Waiter: waiter}}}
}

func TestAGuestIsLetInByAHostOnAnotherInstance(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{Title: "Hearing"})
	guest, host := w.person("g:grace"), w.person("u:host")

	at := guest.wait4(t, second, room)
	if at.HostPresent || at.RoomTitle != "Hearing" {
		t.Errorf("waiting: %v", at)
	}
	jws := guest.roomToken(room, token.RoleParticipant)
	guest.refused(guest.ask(joinMessage(jws, guest.proof(guest.welcome.Nonce, jws), "o")), wire.CodeWrongState)
	guest.refused(guest.ask(chat("1", "hello?")), wire.CodeWrongState)

	if j := host.join(first, room, token.RoleHost); len(j.Snapshot.Waiting) != 1 || j.Snapshot.Waiting[0].Name != "Grace" {
		t.Errorf("the host finds %v at the door", j.Snapshot.Waiting)
	}
	guest.wait("the host's coming", func(m *wire.ServerMessage) bool { return m.GetWaiting().GetHostPresent() })
	host.ok(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_SetLocked{SetLocked: &wire.SetLocked{Locked: true}}}))
	host.ok(host.ask(admit(at.Waiter)))

	a := guest.wait("the token", func(m *wire.ServerMessage) bool { return m.GetAdmitted() != nil }).GetAdmitted()
	if a.Nonce == guest.welcome.Nonce {
		t.Error("the nonce is the old one")
	}
	guest.refused(guest.ask(joinMessage(a.Token, guest.proof(guest.welcome.Nonce, a.Token), "o")), wire.CodeProofInvalid)
	m := guest.ask(joinMessage(a.Token, guest.proof(a.Nonce, a.Token), "o"))
	j := m.GetJoined()
	if j == nil || j.Grants.Moderate || j.Snapshot.Waiting != nil {
		t.Fatalf("joined: %v", m)
	}
	e := host.event("the guest's entry", func(e *wire.Event) bool { return e.GetParticipantJoined() != nil })
	if p := e.GetParticipantJoined(); p.Assurance != wire.Assurance_ASSURANCE_GUEST || p.Name != "Grace" {
		t.Errorf("the guest is %v", p)
	}
	// A guest cannot be made host, and so cannot vouch for others.
	host.refused(host.ask(setRole(j.Participant, wire.Role_ROLE_HOST)), wire.CodeForbidden)
}

// Whoever holds Redis can write any event into it; without a host's signed word it opens no door.
func TestAnAdmissionThatNoHostSignedOpensNoDoor(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host, other := w.person("u:host"), w.person("g:other")
	j := host.join(in, room, token.RoleHost)
	elsewhere := other.wait4(t, in, room).Waiter
	forAnother, err := w.mint.MintAdmission(token.Admission{
		Room: room, Waiter: elsewhere, EnteredAt: time.Now(),
		Person: token.Person{Subject: "u:host", Name: "Host", Role: token.RoleHost, Assurance: token.AssuranceMFA, Moderate: true},
	})
	must(t, err)
	for subject, word := range map[string]string{"g:none": "", "g:noise": "x.y.z", "g:anothers": forAnother} {
		guest := w.person(subject)
		at := guest.wait4(t, in, room)
		_, err := in.store.Admit(t.Context(), room, meeting.Actor{Participant: j.Participant, Session: j.Session}, at.Waiter, word)
		must(t, err)
		if e := guest.wait("the refusal", func(m *wire.ServerMessage) bool {
			return m.GetError() != nil || m.GetAdmitted() != nil
		}); e.GetError().GetCode() != string(wire.CodeForbidden) {
			t.Errorf("%s: %v", subject, e)
		}
	}
}

// Whoever can write to the live state, but signs nothing, lets nobody in.
func TestAnAdmissionWithoutAHostsWordAdmitsNobody(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host := w.person("u:host")
	j := host.join(in, room, token.RoleHost)
	foreign, err := w.mint.MintAdmission(token.Admission{
		Room: room, Waiter: "w_somebodyelse", Person: host.claims(room, token.RoleHost).Person, EnteredAt: time.Now(),
	})
	must(t, err)
	for _, word := range []string{"", "no word at all", foreign} {
		guest := w.person("g:" + token.NewID(""))
		at := guest.wait4(t, in, room)
		_, err := in.store.Admit(t.Context(), room, meeting.Actor{Participant: j.Participant, Session: j.Session}, at.Waiter, word)
		must(t, err)
		m := guest.wait("a refusal", func(m *wire.ServerMessage) bool { return m.GetError() != nil || m.GetAdmitted() != nil })
		guest.refused(m, wire.CodeForbidden)
		if code := guest.closed(); code != 4410 {
			t.Errorf("close code %d", code)
		}
	}
}

func TestSomebodyMadeCohostInTheMeetingMayVouch(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	host, ada, guest := w.person("u:host"), w.person("u:ada"), w.person("g:grace")
	host.join(first, room, token.RoleHost)
	ada.join(second, room, token.RoleParticipant)
	at := guest.wait4(t, first, room)
	ada.refused(ada.ask(admit(at.Waiter)), wire.CodeForbidden)
	host.ok(host.ask(setRole(ada.me, wire.Role_ROLE_COHOST)))
	ada.wait("the door", func(m *wire.ServerMessage) bool { return len(m.GetSnapshot().GetWaiting()) == 1 })
	ada.ok(ada.ask(admit(at.Waiter)))
	guest.wait("the token", func(m *wire.ServerMessage) bool { return m.GetAdmitted() != nil })
}

func TestTheDoorCanStayShut(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	host := w.person("u:host")
	host.join(first, room, token.RoleHost)

	declined := w.person("g:declined")
	at := declined.wait4(t, second, room)
	host.ok(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Decline{Decline: &wire.Decline{Waiter: at.Waiter}}}))
	if bye := declined.bye(); bye.Reason != "declined" || bye.ByName != "Name of u:host" {
		t.Errorf("bye: %v", bye)
	}
	banned := w.person("g:banned")
	at = banned.wait4(t, second, room)
	host.ok(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Decline{Decline: &wire.Decline{Waiter: at.Waiter, Ban: true}}}))
	if bye := banned.bye(); bye.Reason != "banned" {
		t.Errorf("bye: %v", bye)
	}
	if kept, _ := w.bans.Banned(t.Context(), room, "g:banned"); !kept {
		t.Error("the ban is not kept")
	}
	left := w.person("g:left")
	at = left.wait4(t, second, room)
	left.drop()
	host.event("the waiter's going", func(e *wire.Event) bool { return e.GetWaiterGone() == at.Waiter })
	host.refused(host.ask(admit(at.Waiter)), wire.CodeNotFound)

	ended := w.person("g:ended")
	ended.wait4(t, second, room)
	host.ok(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_EndMeeting{EndMeeting: &wire.EndMeeting{}}}))
	if bye := ended.bye(); bye.Reason != "ended" {
		t.Errorf("bye: %v", bye)
	}
}

func TestALobbyPassIsNoRoomToken(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{AnyoneStarts: true})
	guest := w.person("g:x").hello(in)
	pass, err := w.mint.MintLobby(token.LobbyPass{Room: room, Subject: "g:x", Name: "X", Assurance: token.AssuranceGuest, Key: guest.jkt})
	must(t, err)
	guest.refused(guest.ask(joinMessage(pass, guest.proof(guest.welcome.Nonce, pass), "o")), wire.CodeTokenInvalid)
	jws := guest.roomToken(room, token.RoleParticipant)
	guest.refused(guest.ask(&wire.ClientMessage{Body: &wire.ClientMessage_EnterLobby{EnterLobby: &wire.EnterLobby{
		Pass: jws, Proof: guest.proof(guest.welcome.Nonce, jws),
	}}}), wire.CodeTokenInvalid)
}
