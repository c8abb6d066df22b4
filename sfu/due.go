package sfu

import "time"

const (
	restMost = chooseEvery // the shard is left alone for so long at most, and a transport in which something may happen
	together = 64          // transports that are looked after in one tick where nothing hurries, or more
)

// enlist makes a transport one that is looked after.
func (s *Shard) enlist(p *Peer) {
	s.peers, s.dues = append(s.peers, p), append(s.dues, s.now)
	p.place = len(s.peers)
	s.nextTick = s.now
}

// strike takes it off the list; another one takes its place.
func (s *Shard) strike(p *Peer) {
	if p.place == 0 {
		return
	}
	i, last := p.place-1, len(s.peers)-1
	s.peers[i], s.dues[i] = s.peers[last], s.dues[last]
	s.peers[i].place = i + 1
	s.peers[last] = nil
	s.peers, s.dues, p.place = s.peers[:last], s.dues[:last], 0
}

// by asks for a look after the transport at a time, and no later.
func (p *Peer) by(t time.Duration) {
	s := p.shard
	if p.place != 0 && t < s.dues[p.place-1] {
		s.dues[p.place-1] = t
	}
	s.tickBy(t)
}

// soon asks for a look in the next tick: something of it has changed.
func (p *Peer) soon() { p.by(p.shard.now) }

// redivide has the link of the transport divided anew in the next tick.
func (p *Peer) redivide() {
	p.division.next = 0
	p.soon()
}

// slotsChanged has the page told in the next tick.
func (p *Peer) slotsChanged() {
	if !p.slotDirty {
		p.slotDirty = true
		p.shard.news = append(p.shard.news, p)
	}
	p.shard.tickBy(p.shard.now)
}

// roomsBy is tickBy for what rooms do.
func (s *Shard) roomsBy(t time.Duration) {
	s.roomsDue = min(s.roomsDue, t)
	s.tickBy(t)
}

// tickBy brings the next tick forward, as far as ticks may follow each other.
func (s *Shard) tickBy(t time.Duration) {
	if t = max(t, s.ticked+urgentTick); t < s.nextTick {
		s.nextTick = t
	}
}

// dueAgain is when a transport must be looked after again if nothing happens before. What happens asks for it by itself.
func (p *Peer) dueAgain() time.Duration {
	now := p.shard.now
	next := min(p.expires(), now+chooseCalm)
	switch {
	case p.roam.probing:
		return now + tickEvery
	case p.state != stateConnected || !p.reachable():
		return next
	case !p.ready:
		return min(next, max(p.readyAt, now+urgentTick))
	}
	next = min(next, p.division.next)
	if p.arrived != nil {
		if t, ok := p.arrived.Next(); ok {
			next = min(next, t)
		}
	}
	for _, src := range p.sources {
		if src != nil {
			next = min(next, src.dueAgain(now))
		}
	}
	for _, d := range p.downs {
		next = min(next, d.dueAgain(now))
	}
	if p.flow != nil && p.flow.Full() {
		next = min(next, now+tickEvery)
	}
	return next
}

// dueAgain is when the publisher of a source may have to be told something.
func (src *Source) dueAgain(now time.Duration) time.Duration {
	next := now + chooseCalm
	if !src.on {
		return next
	}
	for _, l := range src.layers {
		if l.ring == nil || l.ssrc == 0 {
			continue
		}
		if l.wantKey || l.pliCopy < len(pliCopies) || l.nack != nil && l.nack.Missing() > 0 {
			return now + tickEvery
		}
		next = min(next, now+chooseEvery/2) // it sends: its uplink is looked at
	}
	return next
}

// dueAgain is when something of a slot may be due.
func (d *Down) dueAgain(now time.Duration) time.Duration {
	switch {
	case d.replay.on:
		return now + urgentTick
	case d.want != nil && d.video:
		return now + tickEvery // its key frame may come together from repairs
	case d.layer == nil:
		return now + chooseCalm
	}
	if d.reports.Urgent() {
		return now
	}
	return now + chooseCalm
}

// chooseAt is when a link is divided next: those of many transports in one tick, to wake up for them once, but of very
// many in several, so that media need not wait.
func (p *Peer) chooseAt(calm bool) time.Duration {
	every := chooseEvery
	if calm {
		every = chooseCalm
	}
	phases := min(1+len(p.shard.peers)/together, int(every/tickEvery))
	shift := time.Duration(int(p.number)%phases) * tickEvery
	return (p.shard.now-shift)/every*every + every + shift
}
