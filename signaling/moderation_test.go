package signaling_test

import (
	"testing"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

func remove(participant string, ban bool) *wire.ClientMessage {
	return &wire.ClientMessage{Body: &wire.ClientMessage_RemoveParticipant{
		RemoveParticipant: &wire.RemoveParticipant{Participant: participant, Ban: ban}}}
}

func mute(participant string, kind wire.SourceKind, hard, allow bool) *wire.ClientMessage {
	return &wire.ClientMessage{Body: &wire.ClientMessage_MuteParticipant{
		MuteParticipant: &wire.MuteParticipant{Participant: participant, Kind: kind, Hard: hard, Allow: allow}}}
}

func setRole(participant string, role wire.Role) *wire.ClientMessage {
	return &wire.ClientMessage{Body: &wire.ClientMessage_SetRole{SetRole: &wire.SetRole{Participant: participant, Role: role}}}
}

func speaking(numbers ...uint32) *noderpc.Event {
	s := &noderpc.Speakers{}
	for _, n := range numbers {
		s.Speakers = append(s.Speakers, &noderpc.Speaker{Number: n, Level: 30})
	}
	return &noderpc.Event{Event: &noderpc.Event_Speakers{Speakers: s}}
}

func TestAHostsMuteHoldsAtTheNode(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	host, ada := w.person("u:host"), w.person("u:ada")
	host.join(first, room, token.RoleHost)
	ada.join(second, room, token.RoleParticipant)
	forwarded := func() bool { return node.of(ada.me, 1).on[noderpc.Kind_KIND_MIC] }
	if !forwarded() {
		t.Fatal("the mic is off at first")
	}
	host.ok(host.ask(mute(ada.me, mic, false, false)))
	if forwarded() {
		t.Error("forwarded after a soft mute")
	}
	ada.event("her mute", func(e *wire.Event) bool {
		p := e.GetParticipantChanged()
		return p.GetId() == ada.me && p.Media[0].MutedByHost && !p.Media[0].On && e.By == host.me
	})
	ada.ok(ada.ask(media(mic, true)))
	if !forwarded() {
		t.Error("not forwarded after she unmuted herself")
	}
	host.ok(host.ask(mute(ada.me, mic, true, false)))
	ada.refused(ada.ask(media(mic, true)), wire.CodeForbidden)
	if forwarded() {
		t.Error("forwarded in spite of a hard mute")
	}
	host.ok(host.ask(mute(ada.me, mic, false, true)))
	ada.ok(ada.ask(media(mic, true)))
	if !forwarded() {
		t.Error("not forwarded after a host allowed it")
	}
}

func TestRemovedPeopleAreOutOnWhicheverInstance(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	host, ada, bob := w.person("u:host"), w.person("u:ada"), w.person("u:bob")
	host.join(first, room, token.RoleHost)
	ada.join(second, room, token.RoleParticipant)
	bob.join(second, room, token.RoleParticipant)

	host.ok(host.ask(remove(ada.me, false)))
	if bye := ada.bye(); bye.Reason != "removed" || bye.ByName != "Name of u:host" {
		t.Errorf("bye: %v", bye)
	}
	if code := ada.closed(); code != 4410 {
		t.Errorf("close code %d", code)
	}
	eventually(t, "her transport ends", func() bool { return node.of(ada.me, 1).closed != "" })
	ada.refused(ada.tryJoin(second, room, token.RoleParticipant), wire.CodeRemoved)

	host.ok(host.ask(remove(bob.me, true)))
	if bye := bob.bye(); bye.Reason != "banned" {
		t.Errorf("bye: %v", bye)
	}
	if banned, _ := w.bans.Banned(t.Context(), room, "u:bob"); !banned {
		t.Error("the ban is not kept")
	}
	bob.refused(bob.tryJoin(first, room, token.RoleParticipant), wire.CodeBanned)
	host.ok(host.ask(chat("1", "alone again")))
}

func TestOnlyHostsModerate(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host, ada, eve := w.person("u:host"), w.person("u:ada"), w.person("u:eve")
	host.join(in, room, token.RoleHost)
	ada.join(in, room, token.RoleParticipant)
	eve.join(in, room, token.RoleParticipant)
	for _, victim := range []*person{ada, host} {
		for _, m := range []*wire.ClientMessage{
			mute(victim.me, mic, true, false), remove(victim.me, true), setRole(victim.me, wire.Role_ROLE_VIEWER),
			setRole(eve.me, wire.Role_ROLE_HOST),
			{Body: &wire.ClientMessage_SetLocked{SetLocked: &wire.SetLocked{Locked: true}}},
			{Body: &wire.ClientMessage_EndMeeting{EndMeeting: &wire.EndMeeting{}}},
			{Body: &wire.ClientMessage_Admit{Admit: &wire.Admit{Waiter: "w_1"}}},
			{Body: &wire.ClientMessage_Decline{Decline: &wire.Decline{Waiter: "w_1", Ban: true}}},
		} {
			eve.refused(eve.ask(m), wire.CodeForbidden)
		}
	}
	for _, victim := range []*person{ada, host} {
		victim.ok(victim.ask(chat("here", "unhurt")))
		if !node.of(victim.me, 1).on[noderpc.Kind_KIND_MIC] {
			t.Errorf("%s was muted", victim.subject)
		}
	}
}

func TestRolesChangeWhatPeopleSeeAndMayDo(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host, ada, guest := w.person("u:host"), w.person("u:ada"), w.person("g:guest")
	host.join(in, room, token.RoleHost)
	ada.join(in, room, token.RoleParticipant)
	guest.wait4(t, in, room)
	if !ada.event("something about the door", func(e *wire.Event) bool { return e.GetHidden() || e.GetWaiterAdded() != nil }).GetHidden() {
		t.Error("a participant sees who waits")
	}
	host.event("the guest", func(e *wire.Event) bool { return e.GetWaiterAdded().GetName() == "Grace" })

	host.ok(host.ask(setRole(ada.me, wire.Role_ROLE_COHOST)))
	s := ada.wait("a snapshot with the door", func(m *wire.ServerMessage) bool { return m.GetSnapshot() != nil }).GetSnapshot()
	if len(s.Waiting) != 1 || s.Waiting[0].Name != "Grace" {
		t.Errorf("a new co-host sees %v at the door", s.Waiting)
	}
	host.ok(host.ask(setRole(ada.me, wire.Role_ROLE_VIEWER)))
	if tr := node.of(ada.me, 1); tr.on[noderpc.Kind_KIND_MIC] {
		t.Error("a viewer's mic is forwarded")
	}
	ada.refused(ada.ask(media(mic, true)), wire.CodeForbidden)
	host.ok(host.ask(setRole(ada.me, wire.Role_ROLE_PRESENTER)))
	ada.followMove(t, "rebalance")
	if tr := node.of(ada.me, ada.placement); tr == nil || len(tr.grant.Publish) != 4 {
		t.Errorf("after the move the node holds %+v", tr)
	}
	ada.ok(ada.ask(media(mic, true)))
	eventually(t, "the old transport ends", func() bool { return node.of(ada.me, 1).closed == "moved" })
}

func TestALockedRoomAndItsEnd(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	host, ada, late := w.person("u:host"), w.person("u:ada"), w.person("u:late")
	host.join(first, room, token.RoleHost)
	ada.join(second, room, token.RoleParticipant)
	host.ok(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_SetLocked{SetLocked: &wire.SetLocked{Locked: true}}}))
	ada.event("the lock", func(e *wire.Event) bool { return e.GetLocked() })
	late.refused(late.tryJoin(second, room, token.RoleParticipant), wire.CodeRoomLocked)
	late.drop()
	host.ok(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_EndMeeting{EndMeeting: &wire.EndMeeting{}}}))
	for _, p := range []*person{host, ada} {
		p.event("the end", func(e *wire.Event) bool { return e.GetEnded() })
		if bye := p.bye(); bye.Reason != "ended" {
			t.Errorf("bye: %v", bye)
		}
		eventually(t, "the transports end", func() bool { return node.of(p.me, 1).closed != "" })
	}
	// The room begins anew, and the people of before are no hindrance.
	if j := host.join(second, room, token.RoleHost); len(j.Snapshot.Participants) != 1 || j.Snapshot.Locked {
		t.Errorf("the next meeting: %v", j.Snapshot)
	}
	ada.join(first, room, token.RoleParticipant)
	host.event("ada in the next meeting", func(e *wire.Event) bool { return e.GetParticipantJoined().GetId() == ada.me })
}
