package hub

import (
	"net/netip"
	"slices"
	"time"

	"incamera/cluster/noderpc"
	"incamera/signaling/wire"
)

const stashKept = 128

// stashed is a node's event that names people this instance has not heard of yet: the node is quicker than Redis.
type stashed struct {
	node string
	ev   *noderpc.Event
}

// NodeEvent hands a node's event to the member it is for. It does not block: it is noderpc.PoolOptions.OnEvent.
func (h *Hub) NodeEvent(node string, ev *noderpc.Event) {
	r := h.room(ev.GetRef().GetRoom())
	if r == nil {
		h.m.dropped.WithLabelValues("no_room").Inc()
		return
	}
	r.mu.Lock()
	after, known := r.nodeEventLocked(node, ev)
	if !known {
		if len(r.stash) < stashKept {
			r.stash = append(r.stash, stashed{node, ev})
		} else {
			h.m.dropped.WithLabelValues("stash_full").Inc()
		}
		r.wake()
	}
	r.mu.Unlock()
	if after != nil {
		after()
	}
}

// unstashLocked takes out what waits for the view to catch up.
func (r *Room) unstashLocked() []stashed {
	out := r.stash
	r.stash = nil
	return out
}

// replay tries events again whose people are known now; those still unknown are told as far as they can be.
func (h *Hub) replay(events []stashed) {
	for _, s := range events {
		r := h.room(s.ev.GetRef().GetRoom())
		if r == nil {
			continue
		}
		r.mu.Lock()
		after, known := r.nodeEventLocked(s.node, s.ev)
		r.mu.Unlock()
		if !known {
			h.m.dropped.WithLabelValues("unknown_number").Inc()
		}
		if after != nil {
			after()
		}
	}
}

// nodeEventLocked translates and tells one event; known is false when it names a number this instance cannot place.
func (r *Room) nodeEventLocked(node string, ev *noderpc.Event) (after func(), known bool) {
	m := r.members[ev.GetRef().GetParticipant()]
	epoch := ev.GetRef().GetPlacement()
	if m == nil || epoch != m.seat.Epoch && (m.old.Node == "" || epoch != m.old.Epoch) {
		r.hub.m.dropped.WithLabelValues("no_seat").Inc()
		return nil, true
	}
	current := epoch == m.seat.Epoch
	switch e := ev.Event.(type) {
	case *noderpc.Event_Transport:
		m.pushLocked(message{data: r.hub.encode(&wire.ServerMessage{Body: &wire.ServerMessage_MediaState{
			MediaState: &wire.MediaState{Transport: e.Transport.State, Placement: epoch},
		}})})
		if current && e.Transport.State == "connected" && m.old.Node != "" {
			return r.oldOverLocked(m), true
		}
	case *noderpc.Event_Occupancy:
		if !current {
			return nil, true // the slots of the transport that is being left mean nothing to the new one
		}
		out, ok := r.occupancyLocked(e.Occupancy)
		if !ok {
			return nil, false
		}
		m.pushLocked(message{data: r.hub.encode(out)})
	case *noderpc.Event_Speakers:
		if current {
			m.pushLocked(message{data: r.speakersLocked(e.Speakers), key: "speakers"})
		}
	case *noderpc.Event_Link:
		m.link = link{e.Link.GetBps(), time.Now()}
	case *noderpc.Event_Path:
		if current {
			return m.pathLocked(e.Path.Address), true
		}
	case *noderpc.Event_PublishHints:
		if current {
			m.pushLocked(message{data: r.hub.encode(hintsToWire(e.PublishHints)), key: "hints" + e.PublishHints.Kind.String()})
		}
	}
	return nil, true
}

// pathLocked notes where the member's packets come from. The first address is found by the next look at the rules; one
// that takes the place of another is news at once.
func (m *Member) pathLocked(address string) (after func()) {
	at, err := netip.ParseAddr(address)
	if err != nil {
		return nil
	}
	before := m.media
	m.media = at.Unmap().WithZone("")
	if !before.IsValid() || before == m.media {
		return nil
	}
	return m.Room.hub.o.Moved
}

// oldOverLocked ends the transport a member has moved away from.
func (r *Room) oldOverLocked(m *Member) (after func()) {
	old := m.old
	m.old = Seat{}
	return func() {
		r.hub.endTransport(r.id, m.Participant, old, "moved")
		r.hub.o.Nodes.Release(old.Node)
	}
}

func (r *Room) occupancyLocked(o *noderpc.Occupancy) (*wire.ServerMessage, bool) {
	out := &wire.Occupancy{}
	for _, s := range o.Slots {
		state := &wire.SlotState{
			Slot: s.Slot, SourceId: s.SourceId, Paused: s.Paused, SyncTimeMs: s.SyncTimeMs, SyncRtp: s.SyncRtp, Layer: s.Layer,
		}
		if s.SourceId != 0 {
			who, ok := r.byNumberLocked(s.SourceId / 8)
			if !ok {
				return nil, false
			}
			state.Participant, state.Kind = who, wire.SourceKind(s.SourceId%8)
		}
		out.Slots = append(out.Slots, state)
	}
	return &wire.ServerMessage{Body: &wire.ServerMessage_Occupancy{Occupancy: out}}, true
}

func (r *Room) byNumberLocked(n uint32) (string, bool) {
	if r.view == nil {
		return "", false
	}
	who, ok := r.view.numbers[n]
	return who, ok
}

// said is the last news of who speaks, and its text: everybody in the room is told the same.
type said struct {
	speakers []spoken
	version  uint64 // of the document that gave the names
	text     []byte
}

type spoken struct{ number, level uint32 }

func (r *Room) speakersLocked(s *noderpc.Speakers) []byte {
	if r.view == nil {
		return nil
	}
	same := r.said.text != nil && r.said.version == r.view.version() &&
		slices.EqualFunc(r.said.speakers, s.Speakers, func(a spoken, b *noderpc.Speaker) bool {
			return a.number == b.Number && a.level == b.Level
		})
	if same {
		return r.said.text
	}
	out := &wire.Speakers{}
	list := make([]spoken, 0, len(s.Speakers))
	for _, sp := range s.Speakers {
		list = append(list, spoken{sp.Number, sp.Level})
		if who, ok := r.byNumberLocked(sp.Number); ok {
			out.Speakers = append(out.Speakers, &wire.Speaker{Participant: who, Level: sp.Level})
		}
	}
	r.said = said{
		speakers: list, version: r.view.version(),
		text: r.hub.encode(&wire.ServerMessage{Body: &wire.ServerMessage_Speakers{Speakers: out}}),
	}
	return r.said.text
}

func hintsToWire(h *noderpc.PublishHints) *wire.ServerMessage {
	out := &wire.PublishHints{Kind: wire.SourceKind(h.Kind)}
	for _, l := range h.Layers {
		out.Layers = append(out.Layers, &wire.LayerHint{Rid: l.Rid, Active: l.Active, Spatial: l.Spatial})
	}
	return &wire.ServerMessage{Body: &wire.ServerMessage_PublishHints{PublishHints: out}}
}
