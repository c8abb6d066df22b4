package sfu

import (
	"math/bits"
	"slices"
	"sync/atomic"
	"time"

	"incamera/media/codec"
	"incamera/media/ring"
	"incamera/media/seq"
	"incamera/sfu/handover"
)

const (
	handoverPlaces   = 4096
	handoverBytes    = 2 << 20
	handoverCommands = 1024 // of the places: packets do not take the last ones
)

// bridge hands packets and commands of one shard to another. It belongs to the shard that it leads from; the other one
// takes from the queue's far end.
type bridge struct {
	// static
	from, to *Shard
	back     *bridge
	take     func(h *handed, payload []byte)
	queue    atomic.Pointer[handover.Queue[handed]] // made when it is first needed

	// owned by the loop of from
	waits bool // something is not shown yet
	torn  bool // a command found no room: all is told anew
}

// handed is a packet of a layer on its way to that layer's mirror, or a command. Whose packet it is and what it is was
// found out once, by the shard that it came to.
type handed struct {
	do      func()
	to      *Layer // the mirror, of the shard that the bridge leads to
	ext     seq.Ext
	arrival time.Duration
	shape   *shape // what the stream says of itself, when that is news
	ts      uint32
	bytes   uint16 // of payload, handed over or not
	codec   codec.Kind
	pt      uint8
	flags   handedFlags
	level   uint8
	turn    uint8 // orientation
	facts   codec.Facts
}

type handedFlags uint8

const (
	handedMarker handedFlags = 1 << iota
	handedRecovered
	handedVoice
	handedLevel
	handedTurn
	handedPast // of a replay: it was counted when it came
	handedMere // only the news that a packet came: nobody there watches its layer
)

// bridge connects each shard with each other one.
func (n *Node) bridge() {
	for _, from := range n.shards {
		from.bridges = make([]*bridge, len(n.shards))
		for _, to := range n.shards {
			if to != from {
				b := &bridge{from: from, to: to}
				b.take = func(h *handed, payload []byte) {
					if h.do != nil {
						h.do()
						return
					}
					to.mirrored(h, payload)
				}
				from.bridges[to.index] = b
			}
		}
	}
	for _, s := range n.shards {
		for _, b := range s.bridges {
			if b != nil {
				b.back = b.to.bridges[s.index]
			}
		}
	}
}

func (b *bridge) put(h *handed, payload []byte, reserved int) bool {
	q := b.queue.Load()
	if q == nil {
		q, _ = handover.New[handed](handoverPlaces, handoverBytes) // the sizes are good
		b.queue.Store(q)
	}
	if !q.Put(*h, payload, reserved) {
		return false
	}
	if !b.waits {
		b.waits = true
		b.from.crossing = append(b.from.crossing, b)
	}
	return true
}

// command runs f in the other shard's loop. What f refers to of this shard's it must only name. False: there is no room,
// and all will be told anew.
func (b *bridge) command(f func()) bool {
	if b.put(&handed{do: f}, nil, 0) {
		return true
	}
	b.from.drop(dropHandoverCmd)
	b.torn = true
	return false
}

// packet hands over a packet: itself, or the news that it came.
func (b *bridge) packet(l *Layer, m *layerMirror, slot *ring.Slot, past bool) {
	h := &b.from.scratch.handed
	*h = handed{
		to: m.layer, ext: slot.Ext, arrival: slot.Arrival, ts: slot.TS, bytes: slot.PayloadLen, codec: l.source.peer.pts[slot.PT&0x7f].codec,
		pt: slot.PT, level: slot.Level, turn: slot.Orientation, facts: slot.Facts,
	}
	for _, f := range [...]struct {
		flag handedFlags
		on   bool
	}{
		{handedMarker, slot.Marker}, {handedRecovered, slot.Recovered}, {handedVoice, slot.Voice}, {handedLevel, slot.HasLevel},
		{handedTurn, slot.HasOrientation}, {handedPast, past}, {handedMere, !m.wanted},
	} {
		if f.on {
			h.flags |= f.flag
		}
	}
	if now := l.shape(); now != m.shape {
		h.shape = new(shape)
		*h.shape = now
	}
	payload := slot.Payload()
	if !m.wanted {
		payload = nil
	}
	if !b.put(h, payload, handoverCommands) {
		b.from.drop(dropHandover)
		return
	}
	if h.shape != nil {
		m.shape = *h.shape
	}
	b.from.counts.handedOut.Add(1)
}

// handOver gives what a batch brought to the shards that mirror it.
func (s *Shard) handOver() {
	for _, l := range s.fresh {
		for i := range l.mirrors {
			m := &l.mirrors[i]
			if m.ssrc != l.ssrc && !l.reflectStart(m) {
				continue
			}
			for _, f := range l.fresh {
				if f.slot.Gen == f.gen {
					m.over.packet(l, m, f.slot, false)
				}
			}
		}
	}
	s.publish()
}

// publish shows other shards what was handed to them, and wakes those who do not know of it yet.
func (s *Shard) publish() {
	for _, b := range s.crossing {
		b.waits = false
		if b.queue.Load().Publish() && b.to.calls.Or(1<<s.index) == 0 {
			b.to.socket.Wake()
		}
	}
	s.crossing = s.crossing[:0]
}

// takeHanded takes what other shards handed over.
func (s *Shard) takeHanded() {
	if s.calls.Load() == 0 {
		return
	}
	for mask := s.calls.Swap(0); mask != 0; mask &= mask - 1 {
		b := s.node.shards[bits.TrailingZeros64(mask)].bridges[s.index]
		b.queue.Load().Take(b.take)
	}
	if len(s.fresh) > 0 {
		if l := s.fresh[0]; s.depth == 0 && len(l.fresh) > 0 {
			s.first = l.fresh[0].slot.Arrival
		}
		s.deliver()
	}
}

// tickBridges tells other shards what is wanted of their publishers, and what they could not be told before.
func (s *Shard) tickBridges() {
	for _, b := range s.bridges {
		if b != nil && b.torn {
			b.mend()
		}
	}
	if len(s.bridges) < 2 {
		return // all that there is, is on this shard
	}
	for _, r := range s.rooms {
		for _, p := range r.mirrors {
			s.tickMirror(p)
		}
	}
}

// mend tells everything anew, after a command was lost: which rooms have a part here, and all of them.
func (b *bridge) mend() {
	b.torn = false
	s := b.from
	var living []string
	for id := range s.rooms {
		living = append(living, id)
	}
	if !b.command(func() {
		for id, room := range b.to.rooms {
			if slices.Contains(room.remotes, b.back) && !slices.Contains(living, id) {
				room.retract(b.back)
				room.unmirror(b)
			}
		}
	}) {
		return
	}
	for _, r := range s.rooms {
		for _, other := range s.node.others(r.id, s) {
			if other == b.to {
				r.extend(b)
			}
		}
		for _, p := range r.mirrors {
			if p.origin == b {
				p.forgetTold()
			}
		}
	}
}
