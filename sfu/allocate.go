package sfu

import (
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/allot"
	"incamera/media/layer"
)

const (
	chooseEvery = 100 * time.Millisecond // allocation of a receiver's budget
	chooseCalm  = 250 * time.Millisecond // of one whose slots have all they could use, with room for more than
	roomy       = 2                      // times as much
	comesWithin = 700 * time.Millisecond // a layer that is asked for
	hurry       = 250 * time.Millisecond // a replay that takes the link longer is worse than a new key frame
)

// division is how a peer's link is divided among its video slots. Owned by the shard's loop.
type division struct {
	next   time.Duration // when it is done again at the latest
	budget layer.Bitrate // that it was last done with
	most   layer.Bitrate // a limit besides the estimate, 0: none
	wants  layer.Bitrate // what would be sent if the link carried everything
	least  layer.Bitrate // what the cheapest picture that is shown costs at the least
	shares []allot.Slot  // by video slot
	memory allot.Memory
}

// videoBudget is what may be sent as video, 0: no limit is known.
func (p *Peer) videoBudget() layer.Bitrate {
	b := p.budget()
	if most := p.division.most; most > 0 && (b <= 0 || most < b) {
		return most
	}
	return b
}

// divisionDue says that the link must be divided anew: it is time, or the link shrank.
func (p *Peer) divisionDue() bool {
	if p.shard.now >= p.division.next {
		return true
	}
	b := p.videoBudget()
	return b > 0 && (p.division.budget <= 0 || b < p.division.budget*9/10)
}

// divide gives each video slot its point.
func (p *Peer) divide() {
	v := &p.division
	v.budget = p.videoBudget()
	speaker := p.room.speakerFor(p)
	for i, d := range p.video {
		d.bid(&v.shares[i], speaker)
		if !p.ready {
			v.shares[i].Hidden = true
		}
	}
	v.memory.Allot(v.budget, v.shares, p.shard.now)
	v.least = allot.Floor(v.shares)
	v.wants = 0
	served := true
	for i, d := range p.video {
		s := &v.shares[i]
		if s.Need != allot.None {
			v.wants += s.Points[s.Need].Bitrate
		}
		served = served && s.Target == s.Need && s.Ask == s.Need && !s.Paused
		d.settle(s)
	}
	v.next = p.chooseAt(served && (v.budget <= 0 || v.budget > roomy*v.wants))
	if v.budget > 0 {
		p.relieve(v.budget)
	}
}

// speakerFor is the participant who speaks, or spoke last, besides the receiver itself.
func (r *Room) speakerFor(p *Peer) uint32 {
	spoken, _ := r.loud.Order()
	for _, id := range spoken {
		if id/8 != p.number {
			return id / 8
		}
	}
	return 0
}

// bid says what the slot is for and how it can be filled.
func (d *Down) bid(s *allot.Slot, speaker uint32) {
	s.Source, s.Points, s.Current, s.Hidden = 0, nil, allot.None, true
	src := d.target
	if src == nil {
		return
	}
	s.Source = uint64(src.id)
	if !src.live() || d.wish.nobody {
		return
	}
	m := src.offers()
	if !m.decodable(d.peer) {
		return
	}
	s.Hidden = false
	s.Width, s.Height = d.wish.width, d.wish.height
	s.Screen = src.kind == noderpc.Kind_KIND_SCREEN
	s.Pinned = d.wish.source != 0
	s.Speaker = src.peer.number == speaker
	s.Points, s.Current = m.points, m.find(d.point)
	d.shed(s)
}

// settle goes for what the slot got, and tells why when it got nothing.
func (d *Down) settle(s *allot.Slot) {
	src := d.target
	if src == nil || !d.peer.ready {
		d.ask(point{})
		d.pause("")
		return
	}
	if !src.live() || d.wish.nobody {
		d.stop(d.why(src))
		return
	}
	m := &src.menu
	if !m.decodable(d.peer) {
		d.stop(pausedCodec)
		return
	}
	if d.withheld {
		d.stop(pausedOverload)
		return
	}
	if s.Paused {
		d.stop(pausedBandwidth)
		return
	}
	d.request(m, s)
	if s.Target == allot.None {
		d.pause(pausedNoLayer)
		return
	}
	d.pause("")
	d.seek(m.aim(s.Target, d.peer.division.budget > 0, d.peer.shard.now))
}

// request asks the publisher for what the slot may get, and for the next best when that does not come.
func (d *Down) request(m *menu, s *allot.Slot) {
	if s.Ask == allot.None {
		d.ask(point{})
		return
	}
	l := m.ways[s.Ask].layer
	d.ask(m.ways[s.Ask])
	i := l.index - 1
	if !m.points[s.Ask].Off || d.peer.shard.now-d.asking < comesWithin || i < 1 ||
		s.Target != allot.None && m.ways[s.Target].layer.index >= i {
		d.instead(nil)
		return
	}
	d.instead(l.source.layers[i])
}

// stop forwards nothing any more, for a reason.
func (d *Down) stop(why string) {
	d.ask(point{})
	d.stopWanting()
	if d.layer != nil {
		d.cut()
	}
	d.point = point{}
	d.pause(why)
}

// relieve thins what flows into a link that has shrunk while the key frame of something smaller is waited for. On a link
// that is a little too narrow the larger picture moves on until then, with the fewest frames. On one that is far too
// narrow it would only queue, and the key frame behind it: the picture would stand still for longer than it does when it
// stops now.
func (p *Peer) relieve(budget layer.Bitrate) {
	flow := layer.Bitrate(0)
	for _, d := range p.video {
		flow += d.flow()
	}
	for flow > budget {
		var worst *Down
		for _, d := range p.video {
			if d.waitsForLess() && (worst == nil || d.flow() > worst.flow()) && (!d.thin || flow > budget*3/2) {
				worst = d
			}
		}
		if worst == nil {
			return
		}
		flow -= worst.flow()
		if !worst.thin {
			worst.thin = true
			flow += worst.flow()
			continue
		}
		worst.cut()
		worst.showLower()
	}
}

// waitsForLess says that something smaller than what flows is waited for.
func (d *Down) waitsForLess() bool { return d.want != nil && d.flow() > d.point.bitrate }

// flow is what the slot sends now.
func (d *Down) flow() layer.Bitrate {
	l := d.layer
	if l == nil {
		return 0
	}
	if d.point.layer == l {
		return d.point.bitrate
	}
	now := d.peer.shard.now
	if d.thin && l.grid != nil {
		return l.grid.Bitrate(l.grid.Top(now), 0, now)
	}
	return l.source.set.Bitrate(l.index, now)
}

// showLower shows something smaller whose key frame is at hand, while that of the wanted layer is waited for. What is
// larger is shown only where nothing is known to limit the link.
func (d *Down) showLower() bool {
	want := d.want
	if want == nil || d.layer != nil {
		return false
	}
	layers, limited := want.source.layers, d.peer.videoBudget() > 0
	for n := range layers {
		i := want.index - 1 - n
		if i < 0 {
			i = n + 1 // then what is larger, from the next on
			if limited || i >= len(layers) {
				break
			}
		}
		l := layers[i]
		if l == want || d.peer.ptOf[l.codec] == 0 || !l.source.set.Alive(i, d.peer.shard.now) {
			continue
		}
		d.want = nil
		shown := d.fromRing(l)
		d.want = want
		if shown {
			return true
		}
	}
	return false
}

// slow says that the link would take too long for a replay of a layer that began some time ago.
func (p *Peer) slow(l *Layer, age time.Duration, packets int) bool {
	return l.tooLong(p.videoBudget(), age, packets)
}

// tooLong says so for a link of that width; 0: nothing is known that would limit it.
func (l *Layer) tooLong(link layer.Bitrate, age time.Duration, packets int) bool {
	if link <= 0 {
		return false
	}
	now := l.source.peer.shard.now
	bits := min(int64(l.source.set.Bitrate(l.index, now))*int64(age)/int64(time.Second), int64(packets)*1200*8)
	return bits > int64(link)*int64(hurry)/int64(time.Second)
}

// woke is told when a layer begins to send or to be sent for, or ends.
func (r *Room) woke(src *Source) {
	src.menu.made = false
	for _, p := range r.peers {
		for _, d := range p.video {
			if d.target == src {
				p.redivide()
			}
		}
	}
}
