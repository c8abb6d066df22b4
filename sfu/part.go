package sfu

import "slices"

// A room begins on one shard. When that is busy, or has many of its people, newcomers go to other shards, and the room
// has a part on each. The parts are alike: each serves its own people, and mirrors those of the others who publish.

const (
	spreadLoad = 700 // permill of a core: a room with people on such a shard grows to another one
	spreadGain = 150 // that is less busy by this
)

// part is a shard with people of a room, as the control side sees it.
type part struct {
	shard  *Shard
	people int // transports and admissions on their way
}

func (e *roomEntry) came(s *Shard) {
	s.people++
	for i := range e.parts {
		if e.parts[i].shard == s {
			e.parts[i].people++
			return
		}
	}
	e.parts = append(e.parts, part{shard: s, people: 1})
}

func (e *roomEntry) left(s *Shard) {
	s.people--
	for i := range e.parts {
		if e.parts[i].shard == s {
			if e.parts[i].people--; e.parts[i].people == 0 {
				e.parts = slices.Delete(e.parts, i, i+1)
			}
			return
		}
	}
}

func (e *roomEntry) has(s *Shard) bool {
	return slices.ContainsFunc(e.parts, func(p part) bool { return p.shard == s })
}

// weight orders shards by how much they have to do: what they did over the last second, roughly, and then how many
// people they have, for those who just came do not show in the load yet. Called with Node.mu held.
func (s *Shard) weight() uint64 {
	return uint64(s.load.permill.Load())/100<<32 | uint64(s.people)
}

func (s *Shard) busier(than *Shard, permill uint32) bool {
	return s.load.permill.Load() >= than.load.permill.Load()+permill
}

// pick finds the shard for a newcomer to a room. Called with Node.mu held.
func (n *Node) pick(e *roomEntry, participant string) *Shard {
	if seat := e.seats[participant]; seat.shard != nil && e.has(seat.shard) {
		return seat.shard
	}
	var here, there *Shard // the best that has people of the room, and that has none
	people := 0
	for _, s := range n.shards {
		switch {
		case !e.has(s):
			if there == nil || s.weight() < there.weight() {
				there = s
			}
		case here == nil || s.weight() < here.weight():
			here = s
		}
	}
	for _, p := range e.parts {
		if p.shard == here {
			people = p.people
		}
	}
	switch {
	case here == nil:
		return there
	case there == nil:
		return here
	case people >= n.opts.RoomPart && !there.busier(here, spreadGain):
		return there
	case here.load.permill.Load() >= spreadLoad && here.busier(there, spreadGain):
		return there
	}
	return here
}

// others are the shards besides s that have people of a room.
func (n *Node) others(room string, s *Shard) (list []*Shard) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.rooms[room]; e != nil {
		for _, p := range e.parts {
			if p.shard != s {
				list = append(list, p.shard)
			}
		}
	}
	return list
}

// greet tells the other parts of the room that there is a new one, which knows nothing yet. A part that is only about to
// begin does not answer: it will greet itself.
func (r *Room) greet() {
	for _, other := range r.shard.node.others(r.id, r.shard) {
		b, id := r.shard.bridges[other.index], r.id
		b.command(func() {
			if room := b.to.rooms[id]; room != nil {
				room.extend(b.back)
				back := b.back
				back.command(func() {
					if room := back.to.rooms[id]; room != nil && !slices.Contains(room.remotes, back.back) {
						room.extend(back.back)
					}
				})
			}
		})
	}
}

// extend tells another part, which knows nothing of this one, all that there is.
func (r *Room) extend(b *bridge) {
	r.retract(b)
	r.remotes = append(r.remotes, b)
	id, heard := r.id, r.heard()
	b.command(func() {
		if room := b.to.rooms[id]; room != nil {
			room.unmirror(b)
			room.hear(heard)
		}
	})
	for _, p := range r.peers {
		r.mirror(p, b)
	}
}

// retract forgets another part and what it wanted.
func (r *Room) retract(b *bridge) {
	r.remotes = slices.DeleteFunc(r.remotes, func(o *bridge) bool { return o == b })
	for _, p := range r.peers {
		p.mirrors = slices.DeleteFunc(p.mirrors, func(m mirror) bool { return m.over == b })
		for _, src := range p.sources {
			if src == nil {
				continue
			}
			src.wanted(b, away{})
			for _, l := range src.layers {
				l.mirrors = slices.DeleteFunc(l.mirrors, func(m layerMirror) bool { return m.over == b })
			}
		}
	}
}

// farewell tells the other parts that this one has ended.
func (r *Room) farewell() {
	id := r.id
	for _, b := range r.remotes {
		b.command(func() {
			if room := b.to.rooms[id]; room != nil {
				room.retract(b.back)
				room.unmirror(b)
			}
		})
	}
	for _, p := range r.mirrors {
		p.state = stateClosed
	}
	r.mirrors, r.remotes = nil, nil
}

// unmirror takes out those who are mirrored from the shard that a bridge leads from.
func (r *Room) unmirror(b *bridge) {
	for i := len(r.mirrors) - 1; i >= 0; i-- {
		if p := r.mirrors[i]; p.origin == b.back {
			r.dismiss(p)
		}
	}
}

// dismiss takes out a mirror.
func (r *Room) dismiss(p *Peer) {
	p.state = stateClosed
	r.mirrors = except(r.mirrors, p)
	if r.withdraw(p) {
		r.assignAll()
	}
}
