package hub

import (
	"testing"
	"time"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/signaling/wire"
)

func person(id string, number uint32, role token.Role) meeting.Participant {
	return meeting.Participant{ID: id, Name: id, Number: number, Role: role, Present: true}
}

func document() meeting.Snapshot {
	return meeting.Snapshot{
		Generation: 7, Version: 10, Room: "r", Meeting: "m", StartedAt: time.UnixMilli(5),
		Participants: []meeting.Participant{
			person("host", 1, token.RoleHost), person("speaker", 2, token.RolePresenter),
			person("ada", 3, token.RoleParticipant), person("bob", 4, token.RoleViewer),
		},
		Waiting: []meeting.Waiter{{ID: "w1", Name: "W"}},
	}
}

func TestEveryViewerSeesWhatTheyMay(t *testing.T) {
	v := newView(SnapshotToWire(document()))
	for _, c := range []struct {
		who     Viewer
		people  int
		waiters int
	}{
		{Viewer{"host", wire.Role_ROLE_HOST, true, false}, 4, 1},
		{Viewer{"ada", wire.Role_ROLE_PARTICIPANT, true, false}, 4, 0},
		{Viewer{"bob", wire.Role_ROLE_VIEWER, false, false}, 3, 0},
	} {
		s := v.snapshot(c.who)
		if len(s.Participants) != c.people || len(s.Waiting) != c.waiters {
			t.Errorf("%v sees %d people and %d waiters", c.who, len(s.Participants), len(s.Waiting))
		}
	}
	if len(v.snap.Waiting) != 1 {
		t.Error("what a viewer may not see is gone for all")
	}
}

func TestChangesAreShownOrHidden(t *testing.T) {
	ada, bob := person("ada", 3, token.RoleParticipant), person("bob", 4, token.RoleViewer)
	promoted := person("ada", 3, token.RolePresenter)
	blind := Viewer{"bob", wire.Role_ROLE_VIEWER, false, false}
	for _, c := range []struct {
		name   string
		who    Viewer
		e      meeting.Event
		before *wire.Participant
		shown  bool
	}{
		{"a waiter to a participant", Viewer{"ada", wire.Role_ROLE_PARTICIPANT, true, false}, meeting.Event{Kind: meeting.WaiterAdded, Waiter: &meeting.Waiter{}}, nil, false},
		{"a waiter to a co-host", Viewer{"ada", wire.Role_ROLE_COHOST, true, false}, meeting.Event{Kind: meeting.WaiterGone}, nil, true},
		{"somebody to who has no roster", blind, meeting.Event{Kind: meeting.Joined, Participant: &ada}, nil, false},
		{"themself to who has no roster", blind, meeting.Event{Kind: meeting.Changed, Participant: &bob}, personToWire(bob), true},
		{"somebody who becomes a presenter", blind, meeting.Event{Kind: meeting.Changed, Participant: &promoted}, personToWire(ada), true},
		{"somebody who was a presenter", blind, meeting.Event{Kind: meeting.Changed, Participant: &ada}, personToWire(promoted), true},
		{"the leaving of who was not seen", blind, meeting.Event{Kind: meeting.Left, Subject: "ada"}, personToWire(ada), false},
		{"the lock", blind, meeting.Event{Kind: meeting.LockChanged, Locked: true}, nil, true},
	} {
		ch := newChange(c.e)
		got := c.who.sees(ch, c.before)
		if (got != hidden) != c.shown {
			t.Errorf("%s: shown %v", c.name, got)
		}
		data, err := ch.encode(got)
		if err != nil {
			t.Fatal(err)
		}
		m, err := wire.DecodeServer(data)
		if err != nil || m.GetEvent().GetHidden() == c.shown {
			t.Errorf("%s: encoded as %v, %v", c.name, m, err)
		}
	}
}

// The address of somebody who waits is for those alone who may see addresses, in the list and when they come.
func TestAddressesAreForThoseWhoMaySeeThem(t *testing.T) {
	doc := document()
	doc.Waiting[0].Visit = meeting.Visit{Organisation: "Treasury", Method: "passkey", Network: "office", Address: "192.0.2.7"}
	v := newView(SnapshotToWire(doc))
	came := newChange(meeting.Event{Kind: meeting.WaiterAdded, Waiter: &doc.Waiting[0]})
	for _, c := range []struct {
		who     Viewer
		address string
	}{
		{Viewer{"host", wire.Role_ROLE_HOST, true, false}, ""},
		{Viewer{"host", wire.Role_ROLE_HOST, true, true}, "192.0.2.7"},
		{Viewer{"host", wire.Role_ROLE_HOST, true, false}, ""}, // what another was shown stays theirs
	} {
		data, err := came.encode(c.who.sees(came, nil))
		if err != nil {
			t.Fatal(err)
		}
		m, err := wire.DecodeServer(data)
		if err != nil {
			t.Fatal(err)
		}
		for what, w := range map[string]*wire.Waiter{"in the list": v.snapshot(c.who).Waiting[0], "on coming": m.GetEvent().GetWaiterAdded()} {
			if w.GetAddress() != c.address || w.GetOrganisation() != "Treasury" || w.GetMethod() != "passkey" || w.GetNetwork() != "office" {
				t.Errorf("%v is shown %s: %v", c.who, what, w)
			}
		}
	}
	clerk := Viewer{"ada", wire.Role_ROLE_PARTICIPANT, true, true} // may see addresses, but keeps no door
	if clerk.sees(came, nil) != hidden || v.snapshot(clerk).Waiting != nil {
		t.Error("somebody who may not admit sees who waits")
	}
}

func TestAViewFollowsItsChanges(t *testing.T) {
	v := newView(SnapshotToWire(document()))
	said := func(i uint64) meeting.Event {
		return meeting.Event{Generation: 7, Version: i, Kind: meeting.ChatSaid, Chat: &meeting.ChatMessage{ID: "c"}}
	}
	ada := person("ada", 3, token.RoleParticipant)
	ada.Hand = true
	for _, e := range []meeting.Event{
		{Generation: 7, Version: 11, Kind: meeting.Changed, Participant: &ada},
		{Generation: 7, Version: 12, Kind: meeting.Left, Subject: "host"},
		{Generation: 7, Version: 13, Kind: meeting.WaiterGone, Subject: "w1"},
		{Generation: 7, Version: 14, Kind: meeting.LockChanged, Locked: true},
	} {
		v.apply(newChange(e))
	}
	if !v.people["ada"].Hand || v.people["host"] != nil || len(v.snap.Waiting) != 0 || !v.snap.Locked || v.version() != 14 {
		t.Errorf("after the changes: %v", v.snap)
	}
	if v.numbers[1] != "host" {
		t.Error("the number of somebody who left is forgotten: their last packets cannot be named")
	}
	if v.hostPresent() {
		t.Error("a host is present")
	}
	for i := uint64(15); i < 15+3*tailKept; i++ {
		v.apply(newChange(said(i)))
	}
	if len(v.snap.Chat) != chatKept || len(v.tail) > 2*tailKept {
		t.Errorf("%d chat messages and %d changes are kept", len(v.snap.Chat), len(v.tail))
	}
	if _, ok := v.since(11); ok {
		t.Error("a tail that does not reach back is given as whole")
	}
	last := v.version()
	if cs, ok := v.since(last - 5); !ok || len(cs) != 5 || cs[0].Version != last-4 {
		t.Errorf("the last five changes: %v, %v", cs, ok)
	}
}
