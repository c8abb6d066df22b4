package sfu

import (
	"maps"
	"slices"
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/codec"
	"incamera/media/report"
	"incamera/media/ring"
	"incamera/media/speaker"
)

// What somebody publishes is mirrored on every other shard with a part of the room: a Peer without a transport, whose
// sources and layers are as good as the own ones of that shard. Packets, state and clocks come over the bridge; what is
// wanted of a source, and requests for key frames, go back.

const (
	askApart  = 30 * time.Millisecond // from when a layer is wanted to when its key frame is missed
	wantedFor = 4 * time.Second       // a layer is still handed over after its last watcher went
)

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

// away is what another shard wants of a source.
type away struct {
	over     *bridge
	mask     uint8 // layers that the publisher should send, as in hints
	attached uint8 // layers that somebody watches or waits for
}

func (l *Layer) shape() shape {
	return shape{spatial: l.reader.Spatial, width: l.reader.Width, height: l.reader.Height, most: l.spatial, widest: l.widest}
}

// watched says whether anybody, on any shard, has use for a key frame.
func (l *Layer) watched() bool { return len(l.downs) > 0 || l.away > 0 }

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
		l.lastKey, l.wantKey = slot.Arrival, false
	}
	l.source.peer.shard.soon()
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

// tickMirror tells a publisher's own shard what is wanted of it here.
func (s *Shard) tickMirror(p *Peer) {
	for _, src := range p.sources {
		if src == nil {
			continue
		}
		var now away
		if src.hinted() {
			mask, changed := src.hints.Wanted(s.now)
			if now.mask = mask; changed {
				p.room.woke(src)
			}
		}
		for i, l := range src.layers {
			if l.wantedHere(s.now) {
				now.attached |= 1 << i
			}
		}
		if now != src.told {
			own, back := src.own, p.origin.back
			if p.origin.command(func() { own.wanted(back, now) }) {
				src.told = now
			}
		}
		for _, l := range src.layers {
			l.requestOwn()
		}
	}
}

// wantedHere says whether an image needs its packets, and gives its memory back when it does not.
func (l *Layer) wantedHere(now time.Duration) bool {
	if !isVideo(l.source.kind) {
		return len(l.downs) > 0
	}
	if len(l.downs) > 0 {
		l.leftAt = now
		if l.wantedAt == 0 {
			l.wantedAt = now
		}
		return true
	}
	if l.wantedAt != 0 && now-l.leftAt >= wantedFor {
		l.wantedAt, l.lastKey = 0, 0
		l.ring, l.fresh = nil, nil
	}
	return l.wantedAt != 0
}

// requestOwn asks for a key frame where the stream comes in, when one is due and was not on its way anyhow.
func (l *Layer) requestOwn() {
	now := l.source.peer.shard.now
	if !l.keyDue(now) || len(l.downs) == 0 || now-l.wantedAt < askApart {
		return
	}
	own := l.own
	if l.source.peer.origin.command(func() {
		own.requestKey()
		own.source.peer.shard.soon()
	}) {
		l.pliAt, l.wantKey = now, false
	}
}

// wanted takes what another shard wants of a source. What somebody begins to watch there is handed over from its last key
// frame on, or a key frame is asked for.
func (src *Source) wanted(over *bridge, now away) {
	p := src.peer
	i := slices.IndexFunc(src.away, func(a away) bool { return a.over == over })
	if i < 0 {
		if now == (away{}) {
			return
		}
		i = len(src.away)
		src.away = append(src.away, away{over: over})
	}
	was := src.away[i]
	now.over = over
	src.away[i] = now
	if p.state == stateClosed {
		return
	}
	for k, l := range src.layers {
		bit := uint8(1) << k
		switch {
		case now.attached&bit != 0 && was.attached&bit == 0:
			l.away++
			l.handRecent(over)
		case now.attached&bit == 0 && was.attached&bit != 0:
			l.away--
			l.handNews(over)
		}
	}
	for k := range 8 {
		bit := uint8(1) << k
		if d := int(now.mask>>k&1) - int(was.mask&bit>>k); d != 0 {
			src.hints.Watch(k, d, p.shard.now)
		}
	}
}

// handRecent begins to hand a layer over.
func (l *Layer) handRecent(over *bridge) {
	if !isVideo(l.source.kind) {
		return
	}
	for i := range l.mirrors {
		m := &l.mirrors[i]
		if m.over != over {
			continue
		}
		if m.ssrc != l.ssrc && !l.reflectStart(m) {
			return
		}
		m.wanted = true
		run, ok := l.replay(l.source.peer.shard.now)
		if !ok {
			l.requestKey()
			l.source.peer.shard.soon()
			return
		}
		for ext := run.First; ext <= run.Last; ext++ {
			if slot := l.ring.Get(ext); slot != nil {
				over.packet(l, m, slot, true)
			}
		}
	}
}

// handNews goes on with only the news of a layer's packets.
func (l *Layer) handNews(over *bridge) {
	for i := range l.mirrors {
		if m := &l.mirrors[i]; m.over == over && isVideo(l.source.kind) {
			m.wanted = false
		}
	}
}

// forgetTold makes everything that is wanted of an image news.
func (p *Peer) forgetTold() {
	for _, src := range p.sources {
		if src != nil {
			src.told = away{}
		}
	}
}

// hearing is what a part of a room knows of who speaks.
type hearing struct {
	loud, wider *speaker.Selector
	voices      map[uint32]voice
	last        []*noderpc.Speaker
}

// heard copies what is known, nil when nobody has been heard.
func (r *Room) heard() *hearing {
	if len(r.voices) == 0 {
		return nil
	}
	h := &hearing{loud: r.loud.Clone(), wider: r.wider.Clone(), voices: map[uint32]voice{}, last: slices.Clone(r.lastSpoken)}
	for id, v := range r.voices {
		h.voices[id] = *v
	}
	return h
}

// hear makes a part that has heard nobody know what another part knows. From then on both hear the same packets.
func (r *Room) hear(h *hearing) {
	if h == nil || len(r.voices) > 0 {
		return
	}
	r.loud, r.wider, r.lastSpoken = h.loud, h.wider, h.last
	for id, v := range maps.All(h.voices) {
		r.voices[id] = &v
	}
	r.changed()
}
