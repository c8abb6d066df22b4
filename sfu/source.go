package sfu

import (
	"slices"
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/codec"
	"incamera/media/layer"
	"incamera/media/nack"
	"incamera/media/report"
	"incamera/media/ring"
	"incamera/media/seq"
	"incamera/media/speaker"
	"incamera/sfu/offer"
)

const (
	videoRing   = 512 // packets at most, and at first
	videoFew    = 64
	videoKept   = replayMaxAge // in a ring that can grow
	audioRing   = 64
	audioFew    = 16
	audioKept   = audioNackAge
	pliSpacing  = time.Second            // a publisher is asked for a key frame of a layer at most so often
	keySpacing  = 300 * time.Millisecond // browsers make at most one key frame in this time
	maxLayers   = 3
	freshBurst  = 128
	nackSpacing = 10 * time.Millisecond
	clockJump   = 5 * 90_000 // ticks back are a clock that began anew, not a packet that is late
)

// pliCopies are the times after a request for a key frame when it goes out once more, on a link that loses packets and
// while no key frame has begun to come: so soon that a browser takes all for one.
var pliCopies = [...]time.Duration{20 * time.Millisecond, 80 * time.Millisecond, 160 * time.Millisecond}

// doubtPacket is how long a packet of a picture may be missing until a key frame is asked for as well.
const doubtPacket = 500 * time.Millisecond

// Source is something a participant publishes, by way of one transport.
type Source struct {
	// static
	id      uint32
	kind    noderpc.Kind
	peer    *Peer
	mid     string
	rids    []string
	pts     []uint8 // all that its section was answered with
	granted bool
	repeats bool // sound: its publisher sends again what was lost

	// owned by the loop
	on     bool
	seen   bool // a packet came: the source can be put into slots
	layers []*Layer
	set    layer.Set
	hints  layer.Hints
	menu   menu // of a picture
	// Of sound without levels.
	activity speaker.Activity
	appeared time.Duration // when it was first seen
	away     []away        // what other shards want of it
	own      *Source       // of a mirror: what it mirrors; only to be named, it is another shard's
	told     away          // of a mirror: what was asked for
}

// Layer is one stream of a source, as it comes in: decrypt target, forward source and history in one ring.
type Layer struct {
	// static
	source *Source
	index  int

	// owned by the loop
	ssrc     uint32
	rtx      uint32
	pt       uint8
	codec    codec.Kind
	clock    seq.ClockRate
	opened   time.Duration // when its first packet came
	ring     *ring.Ring
	begin    seq.Ext // nothing up to here is of this stream
	reader   codec.Reader
	dd       *describer  // nil: no dependency descriptor came
	grid     *layer.Grid // nil: the stream has no layers of its own
	spatial  int         // the most spatial layers that the stream said it has
	widest   [2]uint16   // its size then
	nack     *nack.Generator
	stats    report.Receiver
	srcClock report.SourceClock
	fresh    []freshPacket // of this batch
	downs    []*Down       // that forward this layer, or wait for its key frame
	lastKey  time.Duration // arrival of the last key frame's start, 0: none
	pliAt    time.Duration // when the last request went out, 0: none
	pliCopy  int           // the next of that request's copies
	nackedAt time.Duration // when lost packets were last asked for, 0: never
	wantKey  bool
	foreseen bool          // for somebody who cannot receive yet
	gap      time.Duration // between packets of one frame, averaged
	cameAt   time.Duration
	cameTS   uint32
	newTS    uint32 // of the newest picture
	nextNack time.Duration
	mirrors  []layerMirror
	away     int           // other shards with somebody who watches
	own      *Layer        // of a mirror: what it mirrors; only to be named, it is another shard's
	wantedAt time.Duration // of a mirror: when its packets were asked for, 0: they are not
	leftAt   time.Duration // of a mirror: when its last watcher was seen
}

type freshPacket struct {
	slot *ring.Slot
	gen  uint32
}

// stream is an incoming SSRC: a layer's media or its repairs.
type stream struct {
	layer *Layer
	rtx   bool
}

func sourceID(number uint32, kind noderpc.Kind) uint32 { return number*8 + uint32(kind) }

func isVideo(k noderpc.Kind) bool {
	return k == noderpc.Kind_KIND_CAMERA || k == noderpc.Kind_KIND_SCREEN
}

func (p *Peer) addSource(kind noderpc.Kind, section *offer.Section, granted, on bool) {
	src := &Source{
		id: sourceID(p.number, kind), kind: kind, peer: p, mid: section.Mid, rids: section.Rids,
		granted: granted, on: on && granted,
	}
	for _, f := range section.Formats {
		src.pts = append(src.pts, f.PT, f.RTX, f.RED) // 0, for none, is no dynamic payload type
		src.repeats = src.repeats || !section.Video && slices.Contains(f.Feedback, "nack")
	}
	n := max(1, len(section.Rids))
	for i := range n {
		src.layers = append(src.layers, &Layer{source: src, index: i})
	}
	p.sources[kind] = src
	for _, ssrc := range section.SSRCs {
		if len(section.Rids) > 0 {
			break
		}
		p.addStream(ssrc.Primary, src.layers[0], false)
		if ssrc.RTX != 0 {
			p.addStream(ssrc.RTX, src.layers[0], true)
		}
		break // one stream per source; simulcast is by rid
	}
}

// addStream binds an SSRC. False when the table is full.
func (p *Peer) addStream(ssrc uint32, l *Layer, rtx bool) *stream {
	if len(p.streams) >= maxStreams {
		return nil
	}
	st := &stream{layer: l, rtx: rtx}
	p.streams[ssrc] = st
	if rtx {
		l.rtx = ssrc
	} else if l.ssrc != ssrc {
		l.restart(ssrc)
	}
	return st
}

// restart begins a layer anew under another SSRC.
func (l *Layer) restart(ssrc uint32) {
	if l.ssrc != 0 {
		delete(l.source.peer.streams, l.ssrc)
	}
	l.forget()
	l.ssrc = ssrc
	l.dd, l.grid, l.reader = nil, nil, codec.Reader{}
	l.lastKey = 0
	l.source.menu.made = false
	for _, d := range slices.Clone(l.downs) { // some leave the list
		d.sourceRestarted(l)
	}
}

// forget gives the layer's memory back, and what of this batch is in it.
func (l *Layer) forget() {
	if s := l.source.peer.shard; len(l.fresh) > 0 {
		s.fresh = slices.DeleteFunc(s.fresh, func(o *Layer) bool { return o == l })
	}
	l.ring, l.fresh = nil, nil
}

// open makes the layer's memory on its first packet: a layer that never comes costs nothing.
func (l *Layer) open(k codec.Kind) error {
	clock := seq.VideoClock
	r, err := ring.NewGrowing(videoFew, videoRing, videoKept)
	if !k.Video() {
		clock = seq.AudioClock
		r, err = ring.NewGrowing(audioFew, audioRing, audioKept)
	}
	if err != nil {
		return err
	}
	l.ring, l.clock = r, clock
	l.fresh = make([]freshPacket, 0, freshBurst)
	l.stats = report.Receiver{Clock: clock}
	l.srcClock = report.SourceClock{Clock: clock}
	l.nack, l.gap = nil, burstGap*4
	l.opened = l.source.peer.shard.now
	l.begin = 0
	switch {
	case k.Video():
		l.nack = nack.NewGenerator(nack.Options{Doubt: doubtPacket})
	case l.source.repeats:
		l.nack = newAudioNack()
	}
	return nil
}

// live says whether the source may be forwarded now.
func (src *Source) live() bool {
	return src.granted && src.on && src.seen && src.peer.state == stateConnected
}

// find names the layer of a mid and rid; nil when nobody offered it.
func (p *Peer) find(mid, rid []byte) *Layer {
	for _, src := range p.sources {
		if src == nil || src.mid != string(mid) {
			continue
		}
		if len(src.rids) == 0 {
			return src.layers[0]
		}
		for i, r := range src.rids {
			if r == string(rid) {
				return src.layers[i]
			}
		}
	}
	return nil
}

// findNameless names the layer of a packet of a client that does not know the mid extension: the one source that takes
// its payload type, if there is just one.
func (p *Peer) findNameless(pt uint8, rid []byte) *Layer {
	if p.exts[offer.ExtMid] != 0 || pt == 0 {
		return nil
	}
	var found *Source
	for _, src := range p.sources {
		if src == nil || !slices.Contains(src.pts, pt) {
			continue
		}
		if found != nil {
			return nil
		}
		found = src
	}
	if found == nil {
		return nil
	}
	return p.find([]byte(found.mid), rid)
}

// watched notes that layer i of its source has a watcher more or less.
func (src *Source) watched(i, delta int) {
	src.hints.Watch(i, delta, src.peer.shard.now)
	src.peer.soon()
}

func (l *Layer) attach(d *Down) {
	for _, other := range l.downs {
		if other == d {
			return
		}
	}
	l.downs = append(l.downs, d)
}

func (l *Layer) detach(d *Down) {
	for i, other := range l.downs {
		if other == d {
			l.downs = append(l.downs[:i], l.downs[i+1:]...)
			return
		}
	}
}

// replay is what a new receiver can be served from the ring, when that is short enough to catch up with.
func (l *Layer) replay(now time.Duration) (ring.Replay, bool) {
	if l.ring == nil {
		return ring.Replay{}, false
	}
	run, ok := l.ring.ReplayFrom(now)
	// As long as no other key frame may be asked for, the last one serves whatever its length.
	return run, ok && run.Age <= replayMaxAge && (run.Packets <= replayMax || run.Age <= pliSpacing)
}

// requestKey asks the publisher for a key frame; the tick sends it, the first at once, then one per layer and second.
func (l *Layer) requestKey() {
	l.wantKey = true
	l.source.peer.soon()
}

func (l *Layer) keyDue(now time.Duration) bool {
	return l.wantKey && l.ssrc != 0 && (l.pliAt == 0 || now-l.pliAt >= pliSpacing+l.source.peer.uplink.Behind()) &&
		(l.lastKey == 0 || now-l.lastKey >= keySpacing)
}
