package hub

import (
	"time"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/signaling/wire"
)

var rolesToWire = map[token.Role]wire.Role{
	token.RoleHost: wire.Role_ROLE_HOST, token.RoleCohost: wire.Role_ROLE_COHOST,
	token.RolePresenter: wire.Role_ROLE_PRESENTER, token.RoleParticipant: wire.Role_ROLE_PARTICIPANT,
	token.RoleViewer: wire.Role_ROLE_VIEWER,
}

// RoleToWire translates a role.
func RoleToWire(r token.Role) wire.Role { return rolesToWire[r] }

// RoleFromWire translates a role a client names; false for what is none.
func RoleFromWire(r wire.Role) (token.Role, bool) {
	for t, w := range rolesToWire {
		if w == r {
			return t, true
		}
	}
	return "", false
}

func assuranceToWire(a token.Assurance) wire.Assurance {
	switch a {
	case token.AssuranceGuest:
		return wire.Assurance_ASSURANCE_GUEST
	case token.AssuranceMFA:
		return wire.Assurance_ASSURANCE_MFA
	case token.AssurancePhishingResistant:
		return wire.Assurance_ASSURANCE_PHISHING_RESISTANT
	case token.AssuranceStreamKey:
		return wire.Assurance_ASSURANCE_STREAM_KEY
	}
	return wire.Assurance_ASSURANCE_UNSPECIFIED
}

// KindToWire translates a kind of source; the numbers are the same on purpose.
func KindToWire(k token.Kind) wire.SourceKind { return wire.SourceKind(k) }

var actionsToWire = map[token.Action]wire.Action{
	token.ActAdmit: wire.Action_ACTION_ADMIT, token.ActMute: wire.Action_ACTION_MUTE, token.ActRemove: wire.Action_ACTION_REMOVE,
	token.ActRecord: wire.Action_ACTION_RECORD, token.ActSetRole: wire.Action_ACTION_SET_ROLE, token.ActLock: wire.Action_ACTION_LOCK,
	token.ActEnd: wire.Action_ACTION_END,
}

// ActionToWire translates an action that a client is told of.
func ActionToWire(a token.Action) wire.Action { return actionsToWire[a] }

// KindFromWire translates a kind a client names; false for what is none.
func KindFromWire(k wire.SourceKind) (token.Kind, bool) {
	if k < wire.SourceKind_SOURCE_KIND_MIC || k > wire.SourceKind_SOURCE_KIND_SCREEN_AUDIO {
		return 0, false
	}
	return token.Kind(k), true
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func personToWire(p meeting.Participant) *wire.Participant {
	out := &wire.Participant{
		Id: p.ID, Name: p.Name, Role: RoleToWire(p.Role), Assurance: assuranceToWire(p.Assurance), Number: p.Number,
		Hand: p.Hand, HandAtMs: millis(p.HandAt), JoinedAtMs: millis(p.JoinedAt), Present: p.Present, HardMuted: p.HardMuted,
	}
	for _, m := range p.Media {
		out.Media = append(out.Media, &wire.MediaSource{Kind: KindToWire(m.Kind), On: m.On, MutedByHost: m.MutedByHost})
	}
	return out
}

func waiterToWire(w meeting.Waiter) *wire.Waiter {
	return &wire.Waiter{
		Id: w.ID, Name: w.Name, Assurance: assuranceToWire(w.Assurance), SinceMs: millis(w.Since), Organisation: w.Organisation,
		Method: w.Method, Via: w.Via, Network: w.Network, Country: w.Country, Address: w.Address,
	}
}

func chatToWire(c meeting.ChatMessage) *wire.ChatMessage {
	return &wire.ChatMessage{Id: c.ID, Participant: c.Participant, Name: c.Name, Text: c.Text, AtMs: millis(c.At)}
}

// SnapshotToWire translates a document in full; Filter takes out what a viewer may not see.
func SnapshotToWire(s meeting.Snapshot) *wire.Snapshot {
	out := &wire.Snapshot{
		Generation: s.Generation, Version: s.Version, Room: s.Room, Meeting: s.Meeting, Title: s.Title,
		RoomClass: s.Class, Locked: s.Locked, E2Ee: s.E2EE, StartedAtMs: millis(s.StartedAt),
	}
	for _, p := range s.Participants {
		out.Participants = append(out.Participants, personToWire(p))
	}
	for _, w := range s.Waiting {
		out.Waiting = append(out.Waiting, waiterToWire(w))
	}
	for _, c := range s.Chat {
		out.Chat = append(out.Chat, chatToWire(c))
	}
	return out
}

// EventToWire translates a change in full. What the wire has no word for is hidden, so that versions stay contiguous.
func EventToWire(e meeting.Event) *wire.Event {
	out := &wire.Event{Generation: e.Generation, Version: e.Version, AtMs: millis(e.At), By: e.By}
	switch {
	case e.Kind == meeting.Joined && e.Participant != nil:
		out.Change = &wire.Event_ParticipantJoined{ParticipantJoined: personToWire(*e.Participant)}
	case e.Kind == meeting.Changed && e.Participant != nil:
		out.Change = &wire.Event_ParticipantChanged{ParticipantChanged: personToWire(*e.Participant)}
	case e.Kind == meeting.Left:
		out.Change = &wire.Event_ParticipantLeft{ParticipantLeft: &wire.ParticipantLeft{Participant: e.Subject, Reason: e.Reason}}
	case e.Kind == meeting.LockChanged:
		out.Change = &wire.Event_Locked{Locked: e.Locked}
	case e.Kind == meeting.WaiterAdded && e.Waiter != nil:
		out.Change = &wire.Event_WaiterAdded{WaiterAdded: waiterToWire(*e.Waiter)}
	case e.Kind == meeting.WaiterGone:
		out.Change = &wire.Event_WaiterGone{WaiterGone: e.Subject}
	case e.Kind == meeting.ChatSaid && e.Chat != nil:
		out.Change = &wire.Event_Chat{Chat: chatToWire(*e.Chat)}
	case e.Kind == meeting.Ended:
		out.Change = &wire.Event_Ended{Ended: true}
	default:
		out.By = ""
		out.Change = &wire.Event_Hidden{Hidden: true}
	}
	return out
}
