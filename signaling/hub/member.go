package hub

import (
	"net/netip"
	"time"

	"google.golang.org/protobuf/proto"

	"incamera/signaling/wire"
)

// earlyKept bounds what is held for a member whose entry has not been answered yet.
const earlyKept = 64

// Seat is a transport's place: the node and the placement epoch.
type Seat struct {
	Node  string
	Epoch uint64
}

// MemberOptions says who sits down.
type MemberOptions struct {
	Participant, Session string
	Role                 wire.Role
	Roster               bool
	Addresses            bool // may see those of people who wait
	Seat                 Seat
	Version              uint64 // of the document that let them in; what is older is not told again
	Outlet               Outlet
}

// Member is one person of a meeting whose socket this instance holds, or held until it dropped.
type Member struct {
	// static
	Room                 *Room
	Participant, Session string
	roster, addresses    bool

	// guarded by Room.mu
	role   wire.Role
	outlet Outlet // nil while away
	open   bool   // the entry is answered; before that, what comes waits in early
	early  []message
	lossy  bool // early did not hold everything: a snapshot makes up for it
	since  uint64
	seat   Seat
	old    Seat // still draining while a move goes on; zero otherwise
	gone   bool
	link   link       // what the newest transport that told of it carries
	media  netip.Addr // where the transport's packets come from; invalid before a node told
}

type message struct {
	data  []byte
	key   string
	event bool
}

func (m *Member) viewerLocked() Viewer {
	return Viewer{Participant: m.Participant, Role: m.role, Roster: m.roster, Addresses: m.addresses}
}

func (m *Member) pushLocked(msg message) {
	switch {
	case msg.data == nil || m.outlet == nil:
	case m.open && m.Room.turn:
		m.outlet.Put(msg.data, msg.key)
	case m.open:
		m.outlet.Push(msg.data, msg.key)
	case len(m.early) < earlyKept:
		m.early = append(m.early, msg)
	default:
		m.lossy = m.lossy || msg.event
		m.Room.hub.m.dropped.WithLabelValues("early").Inc()
	}
}

// Send queues a message for the member, if it is here.
func (m *Member) Send(msg *wire.ServerMessage) {
	data := m.Room.hub.encode(msg)
	m.Room.mu.Lock()
	defer m.Room.mu.Unlock()
	m.pushLocked(message{data: data})
}

// Seat is where the member's transport belongs now.
func (m *Member) Seat() Seat {
	m.Room.mu.Lock()
	defer m.Room.mu.Unlock()
	return m.seat
}

// linkLife is how long an estimate of a way is worth something.
const linkLife = 30 * time.Second

// link is a node's estimate of what the way to a member carries.
type link struct {
	bps uint64
	at  time.Time
}

// Carries is what the member's way carried a moment ago, in bits per second, for the node that carries it next; 0: unknown.
func (m *Member) Carries() uint64 {
	m.Room.mu.Lock()
	defer m.Room.mu.Unlock()
	if time.Since(m.link.at) > linkLife {
		return 0
	}
	return m.link.bps
}

// Role is the member's role now.
func (m *Member) Role() wire.Role {
	m.Room.mu.Lock()
	defer m.Room.mu.Unlock()
	return m.role
}

// MediaAddr is where the member's packets come from, as the node saw it; invalid before ICE. It is known only as long as
// the member sits.
func (m *Member) MediaAddr() netip.Addr {
	m.Room.mu.Lock()
	defer m.Room.mu.Unlock()
	return m.media
}

// Here says whether the member has a socket on this instance and has not left.
func (m *Member) Here() bool {
	m.Room.mu.Lock()
	defer m.Room.mu.Unlock()
	return !m.gone && m.outlet != nil
}

// Reseat moves the member to a newer place; false when it already has that or a newer one. With keepOld the old
// transport is closed only when the new one is connected.
func (m *Member) Reseat(to Seat, keepOld bool) bool {
	r := m.Room
	r.mu.Lock()
	if m.gone || to.Epoch <= m.seat.Epoch {
		r.mu.Unlock()
		return false
	}
	before, stale := m.seat, m.old
	m.seat, m.old = to, Seat{}
	if keepOld {
		m.old = before
	}
	r.mu.Unlock()

	r.hub.o.Nodes.Hold(to.Node)
	if stale.Node != "" {
		r.hub.endTransport(r.id, m.Participant, stale, "moved")
		r.hub.o.Nodes.Release(stale.Node)
	}
	if !keepOld && before.Node != "" {
		r.hub.o.Nodes.Release(before.Node)
	}
	return true
}

// Open lets the member have what its client does not know yet. It is called when the entry's answer has been queued;
// backlog are the changes between the client's version and the document the entry was answered from.
func (m *Member) Open(backlog []Change) {
	r := m.Room
	r.mu.Lock()
	defer r.mu.Unlock()
	m.open = true
	for _, c := range backlog {
		m.tellLocked(c, nil)
	}
	for _, e := range m.early {
		if !(m.lossy && e.event) {
			m.pushLocked(e)
		}
	}
	m.early = nil
	if m.lossy {
		m.lossy = false
		m.resyncLocked()
	}
}

// tellLocked gives the member a change as they may see it. before is the person it is about, before it.
func (m *Member) tellLocked(c Change, before *wire.Participant) {
	data, err := c.encode(m.viewerLocked().sees(c, before))
	if err != nil {
		m.Room.hub.o.Log.Error("event could not be encoded", "room", m.Room.id, "version", c.Version, "error", err)
		return
	}
	m.pushLocked(message{data: data, event: true})
}

// resyncLocked gives the member the whole state anew.
func (m *Member) resyncLocked() {
	if v := m.Room.view; v != nil {
		m.since = v.version()
		m.pushLocked(message{data: m.Room.hub.encode(snapshotMessage(v.snapshot(m.viewerLocked()))), event: true})
	}
}

func snapshotMessage(s *wire.Snapshot) *wire.ServerMessage {
	return &wire.ServerMessage{Body: &wire.ServerMessage_Snapshot{Snapshot: s}}
}

// Detach marks the member away when its socket dropped; false when the outlet is no longer the member's.
func (m *Member) Detach(from Outlet) bool {
	m.Room.mu.Lock()
	defer m.Room.mu.Unlock()
	if m.gone || m.outlet != from {
		return false
	}
	m.outlet, m.open, m.early = nil, false, nil
	return true
}

// Leave takes the member out and tells its node to end the transport.
func (m *Member) Leave(reason string) {
	m.Room.mu.Lock()
	end := m.Room.removeLocked(m, reason)
	m.Room.mu.Unlock()
	end()
}

// Alone says whether at most one person is in the meeting, as far as is known here.
func (r *Room) Alone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.view != nil && len(r.view.people) <= 1
}

// Person is a copy of what the meeting knows of somebody; nil when they are not in it.
func (r *Room) Person(id string) *wire.Participant {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.view == nil || r.view.people[id] == nil {
		return nil
	}
	return proto.Clone(r.view.people[id]).(*wire.Participant)
}
