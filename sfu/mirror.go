package sfu

import (
	"incamera/media/codec"
	"incamera/media/report"
	"incamera/media/ring"
)

// What somebody publishes is mirrored on every other shard with a part of the room: a Peer without a transport, whose
// sources and layers are as good as the own ones of that shard. Packets, state and clocks come over the bridge; what is
// wanted of a source, and requests for key frames, go back.

// mirror is the image of a peer on another shard, as its own shard sees it.
type mirror struct {
	over *bridge
	peer *Peer // only to be named: it is the other shard's
	told reflection
}

// layerMirror is the image of a layer.
type layerMirror struct {
	over   *bridge
	layer  *Layer // only to be named: it is the other shard's
	ssrc   uint32 // as it was told
	shape  shape  // as it was told
	wanted bool   // somebody there watches: its packets are handed over, not only the news of them
}

// reflection is the state of a publisher that other shards must know.
type reflection struct {
	state state
	on    [5]bool
}

// shape is what a stream says of its layers.
type shape struct {
	spatial       int
	width, height [8]uint16
	most          int
	widest        [2]uint16
}

func (l *Layer) shape() shape {
	return shape{spatial: l.reader.Spatial, width: l.reader.Width, height: l.reader.Height, most: l.spatial, widest: l.widest}
}

// mirrorAll mirrors a newcomer on the shards that have other parts of the room.
func (r *Room) mirrorAll(p *Peer) {
	for _, b := range r.remotes {
		r.mirror(p, b)
	}
}

// mirror makes the image of a publisher and sends it over the bridge.
func (r *Room) mirror(p *Peer, b *bridge) {
	image := &Peer{
		shard: b.to, origin: b.back, ref: p.ref, number: p.number, state: p.state, pts: p.pts, clocks: p.clocks, lastPacket: p.lastPacket,
	}
	told := reflection{state: p.state}
	var seen [len(p.sources)]bool
	any := false
	for kind, src := range p.sources {
		if src == nil || !src.granted {
			continue
		}
		any = true
		seen[kind], told.on[kind] = src.seen, src.on
		image.sources[kind] = src.image(image, b)
	}
	if !any {
		return
	}
	p.mirrors = append(p.mirrors, mirror{over: b, peer: image, told: told})
	id := r.id
	b.command(func() {
		room := b.to.rooms[id]
		if room == nil {
			image.state = stateClosed
			return
		}
		image.room = room
		room.mirrors = append(room.mirrors, image)
		for kind, src := range image.sources {
			if src != nil && seen[kind] {
				src.seen = true
				room.sourceAppeared(src)
			}
		}
	})
}

// image copies a source for another shard, with what was observed of it so far.
func (src *Source) image(of *Peer, b *bridge) *Source {
	image := &Source{
		id: src.id, kind: src.kind, peer: of, rids: src.rids, granted: true, on: src.on, set: src.set, own: src, appeared: src.appeared,
	}
	for _, l := range src.layers {
		copied := &Layer{
			source: image, index: l.index, ssrc: l.ssrc, pt: l.pt, codec: l.codec, srcClock: l.srcClock, opened: l.opened, own: l,
			spatial: l.spatial, widest: l.widest, gap: l.gap, newTS: l.newTS,
		}
		copied.reader.Spatial, copied.reader.Width, copied.reader.Height = l.reader.Spatial, l.reader.Width, l.reader.Height
		if l.grid != nil {
			grid := *l.grid
			copied.grid = &grid
		}
		image.layers = append(image.layers, copied)
		l.mirrors = append(l.mirrors, layerMirror{
			over: b, layer: copied, ssrc: l.ssrc, shape: l.shape(), wanted: !isVideo(src.kind),
		})
	}
	return image
}

// unmirror takes the images of somebody who leaves out of the other shards.
func (p *Peer) unmirror() {
	for _, m := range p.mirrors {
		image := m.peer
		m.over.command(func() {
			if image.room != nil && image.state != stateClosed {
				image.room.dismiss(image)
			}
		})
	}
	p.mirrors = nil
	for _, src := range p.sources {
		if src != nil {
			for _, l := range src.layers {
				l.mirrors = nil
			}
		}
	}
}

// reflect tells the images of a publisher what has changed.
func (p *Peer) reflect() {
	for i := range p.mirrors {
		m := &p.mirrors[i]
		now := reflection{state: p.state}
		for kind, src := range p.sources {
			now.on[kind] = src != nil && src.granted && src.on
		}
		if now == m.told {
			continue
		}
		image := m.peer
		if m.over.command(func() { image.become(now) }) {
			m.told = now
		}
	}
}

// become takes over what has changed of an image's original.
func (p *Peer) become(now reflection) {
	if p.room == nil || p.state == stateClosed {
		return
	}
	p.state = now.state
	for kind, src := range p.sources {
		if src != nil && src.on != now.on[kind] {
			if src.on = now.on[kind]; !src.on {
				p.room.sourceGone(src)
				p.room.assignAll()
			}
		}
	}
	p.room.changed()
}

// reflectStart tells an image that its stream began anew under another SSRC.
func (l *Layer) reflectStart(m *layerMirror) bool {
	image, ssrc := m.layer, l.ssrc
	if !m.over.command(func() {
		if image.source.peer.room != nil {
			image.restart(ssrc)
			image.srcClock, image.opened = report.SourceClock{}, 0
		}
	}) {
		return false
	}
	m.ssrc, m.shape = ssrc, shape{}
	return true
}

// reflectClock tells the images of a layer what its sender's report told.
func (l *Layer) reflectClock() {
	for i := range l.mirrors {
		m := &l.mirrors[i]
		image, clocks, own := m.layer, l.source.peer.clocks, l.srcClock
		m.over.command(func() { image.setClock(clocks, own) })
	}
}

func (l *Layer) setClock(clocks report.ClockMap, own report.SourceClock) {
	l.source.peer.clocks, l.srcClock = clocks, own
}

// mirrored takes a packet of a layer that another shard receives.
func (s *Shard) mirrored(h *handed, payload []byte) {
	l := h.to
	src, p := l.source, l.source.peer
	if p.room == nil || p.state == stateClosed || !src.on || h.codec == 0 {
		return // it left, or was muted, meanwhile
	}
	s.counts.handedIn.Add(1)
	if h.shape != nil {
		l.reader.Spatial, l.reader.Width, l.reader.Height = h.shape.spatial, h.shape.width, h.shape.height
		l.spatial, l.widest = h.shape.most, h.shape.widest
	}
	if h.flags&handedPast == 0 && h.codec.Video() {
		l.observe(&h.facts, int(h.bytes))
	}
	if h.flags&handedMere != 0 || h.codec.Video() && l.wantedAt == 0 {
		s.noticed(l, h)
		return
	}
	if l.ring == nil && !l.openMirror(h.codec) {
		s.drop(dropTooBig)
		return
	}
	slot := l.ring.Reserve(h.ext)
	if slot == nil {
		s.drop(dropDuplicate)
		return
	}
	slot.HeaderLen, slot.PayloadLen = 0, uint16(copy(slot.Buf[:], payload))
	slot.TS, slot.PT, slot.Arrival, slot.Facts = h.ts, h.pt, h.arrival, h.facts
	slot.Marker, slot.Recovered = h.flags&handedMarker != 0, h.flags&handedRecovered != 0
	slot.HasLevel, slot.Voice, slot.Level = h.flags&handedLevel != 0, h.flags&handedVoice != 0, h.level
	slot.HasOrientation, slot.Orientation = h.flags&handedTurn != 0, h.turn
	if h.flags&handedPast != 0 {
		l.recall(slot, h.codec)
		return
	}
	s.commit(l, slot, h.codec)
	s.offer(l, slot, h.codec)
}

// recall takes a packet that came before anybody here watched: what waits for its key frame finds it in the ring.
func (l *Layer) recall(slot *ring.Slot, kind codec.Kind) {
	if l.ring.Commit(slot); l.begin == 0 {
		l.begin = slot.Ext - 1
	}
	l.pt, l.codec = slot.PT, kind
	if slot.Facts.KeyStart && slot.Arrival > l.lastKey {
		l.lastKey, l.wantKey, l.foreseen = slot.Arrival, false, false
	}
	for _, d := range l.downs {
		d.peer.soon()
	}
}

// noticed takes the news of a packet that nobody here would get.
func (s *Shard) noticed(l *Layer, h *handed) {
	src := l.source
	l.pt, l.codec = h.pt, h.codec
	l.srcClock.Packet(h.ts, h.arrival)
	if h.bytes > 0 {
		l.flows(int(h.bytes), h.ts)
	}
	if !src.seen {
		src.seen, src.appeared = true, s.now
		src.peer.room.sourceAppeared(src)
	}
}

// openMirror makes the memory of an image. Nobody is asked for what is missing here: its own shard does that.
func (l *Layer) openMirror(k codec.Kind) bool {
	opened, clock := l.opened, l.srcClock
	if l.open(k) != nil {
		return false
	}
	l.nack = nil
	if opened != 0 {
		l.opened = opened
	}
	if clock.Clock != 0 {
		l.srcClock = clock
	}
	return true
}
