package meeting

import (
	"time"

	"incamera/auth/token"
)

// Snapshot is the whole state of a room as one member with every right would see it. It mirrors the wire's
// Snapshot; hiding (waiters from those who may not admit) is the caller's.
type Snapshot struct {
	Generation, Version uint64
	Room, Meeting       string // Meeting is empty while people only wait at the door
	Title, Class        string
	Locked, E2EE        bool
	Participants        []Participant // by Number
	Waiting             []Waiter      // by Since, then ID
	Chat                []ChatMessage // oldest first, at most Options.ChatKept
	StartedAt           time.Time
}

// Participant is one person in the meeting.
type Participant struct {
	ID, Name  string
	Role      token.Role
	Assurance token.Assurance
	Number    uint32        // source_id = Number*8 + kind
	Media     []MediaSource // one per kind the person may publish, by kind
	Hand      bool
	HandAt    time.Time
	JoinedAt  time.Time
	Present   bool // false while the socket is away and the place is kept
	HardMuted bool // the mic is hard muted
}

// MediaSource is one source a participant may publish.
type MediaSource struct {
	Kind        token.Kind
	On          bool
	MutedByHost bool // off by a host's hand
	Hard        bool // only a host can lift it
}

// Source is the participant's source of a kind; the zero value when the person may not publish it.
func (p Participant) Source(k token.Kind) (MediaSource, bool) {
	for _, m := range p.Media {
		if m.Kind == k {
			return m, true
		}
	}
	return MediaSource{}, false
}

// Waiter is a person at the door. Instance holds the person's socket; Key is the thumbprint of the client's key,
// which the token minted at admission is bound to.
type Waiter struct {
	ID, Subject, Name string
	Assurance         token.Assurance
	Instance, Key     string
	Login, Client     string
	Since             time.Time // set by EnterLobby
	Visit

	// For EnterLobby alone: who the person would be in the meeting, and when their pass was issued. Who was removed, or
	// has a pass from before a host ended the meeting, does not wait at its door.
	Participant string
	PassAt      time.Time
}

// Visit is what a host is told of a waiting person besides the name. All of it is the word of the instance that let them
// wait, none the person's own.
type Visit struct {
	Organisation string `json:"org,omitempty"`  // groups of the account, or the portal
	Method       string `json:"how,omitempty"`  // how the person signed in
	Via          string `json:"via,omitempty"`  // directory, provider or portal that vouches; empty: this deployment
	Network      string `json:"net,omitempty"`  // name of a known network; empty: any other
	Country      string `json:"cc,omitempty"`   // of a network without a name, as far as known
	Address      string `json:"addr,omitempty"` // not for everybody who may admit
}

// ChatMessage is one line of the meeting's chat.
type ChatMessage struct {
	ID, Participant, Name, Text string
	At                          time.Time
}

// EventKind says which field of an Event is set.
type EventKind string

const (
	Started     EventKind = "started"     // Meeting facts are in Event.Start; hidden on the wire
	Joined      EventKind = "joined"      // Participant
	Changed     EventKind = "changed"     // Participant
	Left        EventKind = "left"        // Subject, Reason: left, removed, banned, expired, revoked
	LockChanged EventKind = "locked"      // Locked
	Renamed     EventKind = "facts"       // Facts; hidden on the wire, where a snapshot follows
	WaiterAdded EventKind = "waiter"      // Waiter
	WaiterGone  EventKind = "waiter_gone" // Subject = waiter id, Reason: admitted, declined, banned, left
	ChatSaid    EventKind = "chat"        // Chat
	Moved       EventKind = "moved"       // Subject, Session, Node, Epoch; hidden on the wire
	Ended       EventKind = "ended"       // Reason: ended, empty
)

// Event is one change. Versions are contiguous while the room lives, also from one meeting to the next; a jump of
// Generation asks for a new Snapshot.
type Event struct {
	Generation, Version uint64
	At                  time.Time
	Kind                EventKind
	By                  string // participant who caused it; empty for the server itself
	Word                string // of the host who admitted a waiter: a signed token.Admission
	Subject             string // whom it is about: participant id or waiter id
	Session, Instance   string // of the participant after the change; a socket with another session was replaced
	Node                string
	Epoch               uint64
	Reason              string
	Locked              bool
	Participant         *Participant
	Waiter              *Waiter
	Chat                *ChatMessage
	Start               *Start
	Facts               *Facts
}

// Facts are what a room is called, and its class.
type Facts struct{ Title, Class string }

// Start is what a meeting is from its first second on.
type Start struct {
	Meeting, Title, Class string
	E2EE, Locked          bool
}

// Actor is who asks for a change. The session must be the participant's current one.
type Actor struct {
	Participant, Session string
	server               bool
}

// ServerActor acts for the deployment itself (an administrator's or a policy's decision, already checked and
// audited by the caller): Remove, Mute, SetLocked, SetRole, Decline and End obey it without a seat.
func ServerActor() Actor { return Actor{server: true} }

// Seat is where a participant's session and transport live.
type Seat struct {
	Participant, Session string
	SessionVersion       uint64
	Subject              string
	Instance, Node       string
	Epoch                uint64
	Away                 bool
	Publish              []token.Kind // what the person may publish from now on; of SetRole only
}

// Placement is the node that carries a participant and the epoch that fences it.
type Placement struct {
	Node  string
	Epoch uint64
}

// JoinRequest asks for a seat.
type JoinRequest struct {
	Room       string
	NewMeeting string // id if a meeting has to be started; empty: this person may not start one
	Title      string // of a new meeting, at most 200 bytes
	Class      string // of a new meeting
	E2EE       bool   // of a new meeting; a join that disagrees with a running one is refused (conflict)

	IssuedAt time.Time     // of the room token: one from before a host ended the meeting opens no new one; zero: not asked
	JTI      string        // of the room token: admits once
	JTITTL   time.Duration // how long the id is remembered; at least the token's remaining life

	Person        token.Person
	Participant   string
	Session       string // random; a Join repeated with the same JTI and Session (its answer was lost) succeeds again
	Instance      string
	CandidateNode string       // becomes the home when the room has none or nobody is in it
	Media         []token.Kind // on from the start; what may not be published is left out
	BypassLock    bool         // admitted from the lobby
	Max           int          // seats in the room; 0: Options.MaxParticipants
	Locked        bool         // of a new meeting: it begins locked
	Listen        bool         // of a new meeting: participants publish when they are promoted
	Screens       int          // of a new meeting, shared at once; 0: Options.MaxScreens, which is also the most
}

// JoinResult is the seat.
type JoinResult struct {
	Snapshot       Snapshot
	Meeting        string
	Number         uint32
	SessionVersion uint64
	Placement      Placement
	Replaced       *Seat // the person's earlier session, whose socket gets bye{replaced}
	Role           token.Role
	Started        bool // this join began the meeting
}

// ResumeRequest takes a seat up again from a new socket.
type ResumeRequest struct {
	Room, Meeting        string // Meeting: optional; another one than the running is refused (ended)
	Participant, Session string
	SessionVersion       uint64
	Instance             string
	Version              uint64 // last version the client holds; 0: none
}

// ResumeResult is the seat as it stands.
type ResumeResult struct {
	Snapshot    Snapshot
	Events      []Event // the changes after Version up to the Snapshot; nil when the tail does not reach back
	Placement   Placement
	OldInstance string // who held the socket before; may be the same
	Meeting     string
	Number      uint32
	Role        token.Role
}

// MuteRequest switches one source of another participant off, or lifts a hard mute.
type MuteRequest struct {
	Target string
	Kind   token.Kind
	Hard   bool // only a host can switch it on again
	Allow  bool // lift the hard mute; the person switches on
}
