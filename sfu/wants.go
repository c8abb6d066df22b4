package sfu

import (
	"slices"
	"time"
)

// What is wanted of a mirrored source goes to its own shard: which layers its publisher should send, which of them are to
// be handed over, and requests for key frames.

const (
	askApart  = 30 * time.Millisecond // from when a layer is wanted to when its key frame is missed
	wantedFor = 4 * time.Second       // a layer is still handed over after its last watcher went
)

// away is what another shard wants of a source.
type away struct {
	over     *bridge
	mask     uint8 // layers that the publisher should send, as in hints
	attached uint8 // layers that somebody watches or waits for
}

// watched says whether anybody, on any shard, has use for a key frame.
func (l *Layer) watched() bool { return len(l.downs) > 0 || l.away > 0 }

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
			if isVideo(src.kind) && l.wantedHere(s.now) { // sound comes anyway
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
			if l.requestOwn(); l.wantKey {
				s.tickBy(s.now + tickEvery)
			}
		}
	}
}

// wantedHere says whether an image needs its packets, and gives its memory back when it does not.
func (l *Layer) wantedHere(now time.Duration) bool {
	if len(l.downs) > 0 || l.foreseen {
		l.leftAt = now
		if l.wantedAt == 0 {
			l.wantedAt = now
		}
		return true
	}
	if l.wantedAt != 0 && now-l.leftAt >= wantedFor {
		l.wantedAt, l.lastKey = 0, 0
		l.forget()
	}
	return l.wantedAt != 0
}

// requestOwn asks for a key frame where the stream comes in, when one is due and was not on its way anyhow.
func (l *Layer) requestOwn() {
	now := l.source.peer.shard.now
	if !l.keyDue(now) || len(l.downs) == 0 && !l.foreseen || now-l.wantedAt < askApart {
		return
	}
	own := l.own
	if l.source.peer.origin.command(func() {
		own.requestKey()
	}) {
		l.pliAt, l.wantKey, l.foreseen = now, false, false
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
			src.watched(k, d)
		}
	}
}

// handRecent begins to hand a layer over.
func (l *Layer) handRecent(over *bridge) {
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
			return
		}
		for ext := run.First; ext <= run.Last; ext++ {
			if slot := l.ring.Get(ext); slot != nil {
				over.packet(l, m, slot, true)
			}
		}
		l.source.peer.shard.publish() // much may begin at once: the other shard takes it meanwhile
	}
}

// handNews goes on with only the news of a layer's packets.
func (l *Layer) handNews(over *bridge) {
	for i := range l.mirrors {
		if m := &l.mirrors[i]; m.over == over {
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
