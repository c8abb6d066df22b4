package signaling_test

import (
	"testing"

	"incamera/auth/token"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// wait4 puts a guest at the door of a room.
func (p *person) wait4(t *testing.T, in *instance, room string) *wire.Waiting {
	t.Helper()
	p.hello(in)
	pass, err := p.w.mint.MintLobby(token.LobbyPass{
		Room: room, Subject: p.subject, Name: "Guest", Assurance: token.AssuranceGuest, Key: p.jkt,
	})
	must(t, err)
	m := p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_EnterLobby{EnterLobby: &wire.EnterLobby{
		Pass: pass, Proof: p.proof(p.welcome.Nonce, pass), Name: "Grace",
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
