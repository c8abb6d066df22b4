package signaling_test

import (
	"slices"
	"testing"

	"incamera/auth/token"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// forWaiting says of every kind of message whether somebody who waits at the door may have it.
var forWaiting = map[string]bool{
	"welcome": true, "waiting": true, "admitted": true, "ok": true, "error": true, "pong": true, "bye": true,
	"joined": false, "resumed": false, "event": false, "snapshot": false, "occupancy": false, "speakers": false,
	"publishHints": false, "mediaState": false, "move": false, "answer": false, "ticket": false, "standing": false,
}

// Roster, chat, speakers, media and tickets of a busy meeting stay inside; the people there get all of it.
func TestWhoWaitsLearnsNothingOfTheMeeting(t *testing.T) {
	kinds := (&wire.ServerMessage{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range kinds.Len() {
		if _, known := forWaiting[kinds.Get(i).JSONName()]; !known {
			t.Errorf("%s: say whether somebody who waits may have it", kinds.Get(i).JSONName())
		}
	}
	w := newWorld(t)
	node := w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{Title: "Hearing"})
	host, ada, late, guest := w.person("u:host"), w.person("u:ada"), w.person("u:late"), w.person("g:grace")
	host.join(first, room, token.RoleHost)
	guest.wait4(t, second, room)
	ada.join(second, room, token.RoleParticipant)
	host.ok(host.ask(chat("1", "the secret word is amber")))
	ada.ok(ada.ask(media(mic, true)))
	host.ok(host.ask(setRole(ada.me, wire.Role_ROLE_COHOST)))
	host.ok(host.ask(mute(ada.me, mic, false, false)))
	host.ok(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_SetLocked{SetLocked: &wire.SetLocked{Locked: true}}}))
	host.ok(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_SetLocked{SetLocked: &wire.SetLocked{}}}))
	late.join(second, room, token.RoleParticipant)
	node.say(room, ada.me, ada.placement, speaking(1, 2))
	host.ok(host.ask(remove(late.me, false)))
	ada.event("the end of it", func(e *wire.Event) bool { return e.GetParticipantLeft().GetParticipant() == late.me })

	// What a waiter may not say is refused, and tells nothing either.
	for _, m := range []*wire.ClientMessage{
		chat("2", "hello?"), media(mic, true), remove(ada.me, false), admit("w_1"), setRole(ada.me, wire.Role_ROLE_VIEWER),
		{Body: &wire.ClientMessage_EndMeeting{EndMeeting: &wire.EndMeeting{}}},
	} {
		guest.refused(guest.ask(m), wire.CodeWrongState)
	}
	if guest.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Ping{Ping: &wire.Ping{}}}).GetPong() == nil {
		t.Error("no pong")
	}
	guest.in.mu.Lock()
	defer guest.in.mu.Unlock()
	for _, m := range guest.in.all {
		if kind := wire.BodyName(m); !forWaiting[kind] {
			t.Errorf("somebody who waits was sent %s: %v", kind, m)
		}
	}
	// The control: the same happenings reached somebody inside, on the same instance.
	ada.in.mu.Lock()
	defer ada.in.mu.Unlock()
	if !slices.ContainsFunc(ada.in.all, func(m *wire.ServerMessage) bool { return m.GetEvent() != nil }) {
		t.Error("nothing happened inside")
	}
}
