package sfu

import (
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/allot"
	"incamera/media/speaker"
)

// Size of a slot that nobody has sized yet: a tile of a small grid.
const (
	firstWidth  = 640
	firstHeight = 360

	handshakeMost = time.Second // who takes longer waits for a packet that was lost
)

// assignAll puts sources into the slots of everybody in the room.
func (r *Room) assignAll() {
	r.dirty = false
	for _, p := range r.peers {
		r.assign(p)
	}
}

// assign puts sources into one receiver's slots.
func (r *Room) assign(p *Peer) {
	if !p.ready || !p.subscribe {
		return
	}
	r.assignAudio(p)
	r.assignVideo(p)
	p.divide()
}

// foresee gives a new receiver its slots and asks for the key frames they will need, while its handshake runs: by the
// time it can receive, the page knows who comes and the key frames are in the ring. It is done at the admission, at the
// first sign of the client and when its wishes come: on a long way a key frame that is young now will be too old.
func (r *Room) foresee(p *Peer) {
	if !p.subscribe || p.ready {
		return
	}
	r.assignVideo(p)
	p.slotsChanged()
	v := &p.division
	for i, d := range p.video {
		d.bid(&v.shares[i], 0)
	}
	v.memory.Allot(0, v.shares, r.shard.now)
	for i, d := range p.video {
		if at := v.shares[i].Target; at != allot.None {
			d.target.menu.ways[at].layer.foresee(p)
		}
	}
}

// foresee asks for a key frame when none is at hand that the receiver could begin with once its handshake is done.
func (l *Layer) foresee(p *Peer) {
	rest := p.handshakeRest()
	run, ok := l.replay(p.shard.now + rest)
	if !ok || l.tooLong(p.shard.node.opts.StartBitrate, run.Age, run.Packets) {
		l.requestKey()
		l.foreseen = true
	}
}

// handshakeRest is how long the client will most likely take until it can receive: its first sign of life came one round
// trip after the admission, and two more belong to the handshake.
func (p *Peer) handshakeRest() time.Duration {
	if p.heardAt == 0 {
		return 0
	}
	return max(0, min(2*(p.heardAt-p.admitted), handshakeMost)-(p.shard.now-p.heardAt))
}

// assignAudio gives the loudest others; who is one of the loudest hears the next loudest instead of themselves.
func (r *Room) assignAudio(p *Peer) {
	if !p.ready || !p.subscribe || len(p.audio) == 0 {
		return
	}
	n := r.shard.node.opts.AudioSlots
	ids := r.ids[:0]
	if len(p.audio) < n {
		// Fewer ears than voices are chosen: the ones that lead.
		spoken, _ := r.loud.Order()
		for _, id := range spoken {
			if id/8 != p.number && r.sources[id] != nil {
				ids = append(ids, id)
			}
		}
	}
	own := false
	for i := range n {
		if id := r.loud.Slot(i); id != 0 {
			if id/8 == p.number {
				own = true
			} else if !has(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	if own {
		for i := range n + 1 {
			id := r.wider.Slot(i)
			if id != 0 && id/8 != p.number && r.loud.SlotOf(id) < 0 {
				ids = append(ids, id)
				break
			}
		}
	}
	r.ids = ids
	r.place(p, p.audio, ids)
}

// place fills slots with the first of ids, keeping everyone who stays where they are.
func (r *Room) place(p *Peer, slots []*Down, ids []uint32) {
	places := r.placesVideo[:0]
	for _, d := range slots {
		id := uint32(0)
		if d.target != nil && r.sources[d.target.id] != nil {
			id = d.target.id
		}
		places = append(places, id)
	}
	r.placesVideo = places
	speaker.Place(places, ids, 0)
	for i, d := range slots {
		d.aim(r.sources[places[i]])
	}
}

// assignVideo serves the wishes: pinned sources where they were wished, the others by speech.
func (r *Room) assignVideo(p *Peer) {
	if len(p.video) == 0 {
		return
	}
	auto := p.autoSlots()
	for _, d := range p.video {
		switch {
		case d.wish.nobody && d.wish.source == 0:
			d.aim(nil)
		case d.wish.source != 0:
			src := r.sources[d.wish.source]
			if src == nil {
				src = r.offered(d.wish.source)
			}
			d.aim(src)
		}
	}
	if len(auto) == 0 {
		return
	}
	r.auto = r.auto[:0]
	more := func(src *Source) bool { // until there is one for each slot: who comes after them gets none
		if src != nil && r.fits(p, src) && !has(r.auto, src.id) {
			r.auto = append(r.auto, src.id)
		}
		return len(r.auto) < len(auto)
	}
	r.candidates(more)
	r.place(p, auto, r.auto)
}

// candidates gives the pictures for slots that are filled by speech, the first first, until it is told to stop.
func (r *Room) candidates(more func(*Source) bool) {
	for _, src := range r.order {
		if src.kind == noderpc.Kind_KIND_SCREEN && !more(src) {
			return
		}
	}
	spoken, _ := r.loud.Order()
	for _, id := range spoken {
		if !more(r.sources[id/8*8+uint32(noderpc.Kind_KIND_CAMERA)]) {
			return
		}
	}
	for _, src := range r.order {
		if !more(src) {
			return
		}
	}
}

// autoSlots lists the slots that are filled by speech.
func (p *Peer) autoSlots() []*Down {
	auto := p.autoList[:0]
	for _, d := range p.video {
		if d.wish.source == 0 && !d.wish.nobody {
			auto = append(auto, d)
		}
	}
	p.autoList = auto
	return auto
}

// offered finds a source that has a place in somebody's offer but no packet yet: its slot says why it is empty.
func (r *Room) offered(id uint32) *Source {
	for _, list := range [2][]*Peer{r.peers, r.mirrors} {
		for _, p := range list {
			if p.number == id/8 && id%8 < uint32(len(p.sources)) {
				if src := p.sources[id%8]; src != nil {
					return src
				}
			}
		}
	}
	return nil
}

// fits says whether a source may fill one of p's slots by itself.
func (r *Room) fits(p *Peer, src *Source) bool {
	if !src.live() || src.peer.number == p.number || src.peer.state == stateLost {
		return false
	}
	for _, d := range p.video {
		if d.wish.source == src.id {
			return false
		}
	}
	return true
}

func has(ids []uint32, id uint32) bool {
	for _, other := range ids {
		if other == id {
			return true
		}
	}
	return false
}

// setWishes replaces the wishes for all video slots; a slot that is not named is one that nobody looks at.
func (p *Peer) setWishes(wishes []*noderpc.Wish) {
	p.wished = true
	for _, d := range p.video {
		d.wish = wish{nobody: true}
	}
	for _, w := range wishes {
		if w == nil || int(w.Slot) >= len(p.downs) || !p.downs[w.Slot].video {
			continue
		}
		source := w.SourceId
		if source/8 == p.number {
			source = 0 // nobody is shown to themselves
		}
		p.downs[w.Slot].wish = wish{
			source: source, nobody: w.Width == 0 && w.Height == 0,
			width: uint16(min(w.Width, 8192)), height: uint16(min(w.Height, 8192)),
		}
	}
	if p.ready {
		p.room.assign(p)
	} else {
		p.room.foresee(p)
	}
}
