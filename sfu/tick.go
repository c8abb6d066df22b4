package sfu

import (
	"time"

	"incamera/media/rtcp"
)

const (
	rrEvery    = time.Second
	blocksMost = 16
	nackPart   = 400
	cname      = "incamera"
)

// tick does what is due by time.
func (s *Shard) tick() {
	s.ticked, s.nextTick = s.now, s.now+restMost
	for i := len(s.peers) - 1; i >= 0; i-- {
		if i >= len(s.peers) {
			continue
		}
		if due := s.dues[i]; due > s.now {
			s.tickBy(due)
			continue
		}
		p := s.peers[i]
		s.dues[i] = s.now + chooseCalm
		s.tickPeer(p)
		if p.place != 0 {
			p.by(p.dueAgain())
		}
	}
	if s.now >= s.roomsDue {
		s.roomsDue = s.now + restMost/2
		for _, r := range s.rooms {
			r.tick()
		}
	}
	s.tickBridges()
	for i, p := range s.news {
		if p.slotDirty && p.state != stateClosed {
			p.tellSlots(false)
		}
		s.news[i] = nil
	}
	s.news = s.news[:0]
	s.addTallies()
}

// releaseKey is how long a publisher has to send a key frame unasked.
const releaseKey = 400 * time.Millisecond

func (s *Shard) tickPeer(p *Peer) {
	if s.expire(p) {
		return
	}
	if p.roam.probing {
		if s.now >= p.roam.until {
			p.goBack()
		} else {
			p.challenge()
		}
	}
	if p.state != stateConnected || !p.reachable() {
		return
	}
	if !p.ready {
		p.becomeReady()
	}
	if p.loosens() {
		p.loosen()
	}
	s.feedback(p)
	turned := p.uplink.Held() != p.held
	if p.held = p.uplink.Held(); turned && !p.held {
		p.released()
	}
	for _, src := range p.sources {
		if src != nil && src.hinted() {
			if mask, changed := src.hints.Wanted(s.now); changed || turned {
				p.tellHints(src, mask)
				p.room.woke(src)
			}
		}
	}
	divided := p.divisionDue()
	if divided {
		p.divide()
	}
	if p.anew && !p.roam.probing {
		p.beginAnew()
	}
	for _, d := range p.downs {
		s.tickDown(d)
	}
	if divided {
		p.aspire()
	}
	if p.drain() {
		p.by(s.now + urgentTick)
	}
}

// expires is when expire would end it, if nothing comes.
func (p *Peer) expires() time.Duration {
	at := p.lastPacket + silence
	switch p.state {
	case stateConnecting:
		at = p.admitted + setupLimit
	case stateLost:
		at = p.lostAt + lostLimit
	}
	if p.replacedAt != 0 {
		at = min(at, p.replacedAt+replaceGrace)
	}
	if p.farewellAt != 0 {
		at = min(at, p.farewellAt+farewellWait)
	}
	return at
}

// expire ends transports by their clocks. True when it is gone.
func (s *Shard) expire(p *Peer) bool {
	switch {
	case p.replacedAt != 0 && s.now-p.replacedAt >= replaceGrace:
		s.closePeer(p, "replaced", true)
	case p.state == stateConnecting && s.now-p.admitted >= setupLimit:
		s.closePeer(p, "setup", true)
	case p.state == stateConnected && p.left():
		s.lost(p, "dtls_closed")
	case p.state == stateConnected && s.now-p.lastPacket >= silence:
		s.lost(p, "silence")
	case p.state == stateLost && s.now-p.lostAt >= lostLimit:
		s.closePeer(p, "silence", true)
	}
	return p.state == stateClosed
}

func (s *Shard) tickDown(d *Down) {
	if !d.video && d.target != nil && d.layer == nil && d.want == nil && d.paused == pausedNoLayer {
		d.choose()
	}
	// The key frame may be in the ring by now: a hole in it was repaired.
	if l := d.want; l != nil && d.video && !d.fromRing(l) {
		if s.now-d.askedAt >= keySpacing {
			d.askedAt = s.now
			if s.now-d.wantSince >= fallbackAfter {
				d.showLower()
			}
			l.requestKey()
		}
	}
	if d.replay.on {
		d.pump()
	}
	if d.layer != nil && d.reports.Due(s.now+restMost/2) {
		s.senderReport(d)
	}
}

func (s *Shard) senderReport(d *Down) {
	l := d.layer
	at, ok := l.srcClock.At(&l.source.peer.clocks, s.now)
	if !ok {
		return
	}
	info := d.reports.Make(d.ssrc, s.wall, at, d.rw.TSOffset(), s.now)
	buf := rtcp.AppendSR(s.scratch.build[:0], info, nil)
	s.sendRTCP(d.peer, rtcp.AppendSDES(buf, d.ssrc, cname))
}

// feedback tells a publisher what came, what did not, and what is needed.
func (s *Shard) feedback(p *Peer) {
	if p.arrived != nil && p.arrived.Due(s.now) {
		for more := true; more; {
			var buf []byte
			if buf, more = p.arrived.Append(s.scratch.build[:0], rtcpSSRC, p.anySSRC(), twccPart, s.now); len(buf) > 0 {
				s.sendRTCP(p, buf)
			} else {
				more = false
			}
		}
	}
	if rate, tell := p.uplink.Limit(s.now); tell {
		s.sendRTCP(p, rtcp.AppendREMB(s.scratch.build[:0], rtcpSSRC, p.anySSRC(), uint64(rate)))
	}
	if s.now+restMost/2 >= p.nextRR {
		p.nextRR = s.now + rrEvery
		s.receiverReport(p)
	}
	for _, src := range p.sources {
		if src == nil || !src.on || p.held && isVideo(src.kind) { // it would come late, and make the rest later
			continue
		}
		for _, l := range src.layers {
			if l.ssrc == 0 || l.ring == nil {
				continue
			}
			s.repairRequests(p, l)
			s.keyRequests(p, l)
		}
	}
}

// released asks a publisher whose pictures may go on for key frames, since nothing was asked for again meanwhile. Browsers
// begin with one by themselves: it has a while to come.
func (p *Peer) released() {
	for _, src := range p.sources {
		if src == nil || !isVideo(src.kind) {
			continue
		}
		for _, l := range src.layers {
			if l.ssrc != 0 && l.watched() {
				l.pliAt = p.shard.now - pliSpacing + releaseKey
				l.requestKey()
			}
		}
	}
}

// keyRequests asks for a key frame when one is due, and again while the request may have been lost.
func (s *Shard) keyRequests(p *Peer, l *Layer) {
	switch {
	case l.keyDue(s.now) && (l.watched() || l.foreseen):
		l.pliAt, l.wantKey, l.foreseen, l.pliCopy = s.now, false, false, len(pliCopies)
		s.counts.pliSent.Add(1)
		if l.nackedAt != 0 && s.now-l.nackedAt < pliSpacing {
			l.pliCopy = 0
		}
	case l.pliCopy < len(pliCopies) && s.now-l.pliAt >= pliCopies[l.pliCopy]:
		if l.pliCopy++; l.lastKey >= l.pliAt {
			l.pliCopy = len(pliCopies)
			return
		}
	default:
		return
	}
	s.sendRTCP(p, rtcp.AppendPLI(s.scratch.build[:0], rtcpSSRC, l.ssrc))
}

// repairRequests asks for lost packets, and for a key frame when some are given up.
func (s *Shard) repairRequests(p *Peer, l *Layer) {
	if l.nack == nil || s.now < l.nextNack {
		return
	}
	l.nextNack = s.now + nackSpacing
	missing := l.nack.Due(s.scratch.seqs[:0], p.answers.Value(p.rtt)+p.uplink.Behind(), s.now)
	if len(missing) > 0 {
		l.nackedAt = s.now
	}
	for len(missing) > 0 {
		var buf []byte
		before := len(missing)
		buf, missing = rtcp.AppendNACK(s.scratch.build[:0], rtcpSSRC, l.ssrc, missing, nackPart)
		if len(buf) == 0 || len(missing) >= before {
			break
		}
		s.counts.nackAsked.Add(uint64(before - len(missing)))
		s.sendRTCP(p, buf)
	}
	if l.nack.TakeLost() > 0 && l.watched() && l.codec.Video() {
		l.requestKey()
	}
}

func (s *Shard) receiverReport(p *Peer) {
	var blocks [blocksMost]rtcp.Block
	n := 0
	for _, src := range p.sources {
		if src == nil {
			continue
		}
		for _, l := range src.layers {
			if l.ring != nil && l.ssrc != 0 && n < blocksMost {
				blocks[n] = l.stats.Block(l.ssrc, s.now)
				n++
			}
		}
	}
	if n > 0 {
		buf := rtcp.AppendRR(s.scratch.build[:0], rtcpSSRC, blocks[:n])
		s.sendRTCP(p, rtcp.AppendSDES(buf, rtcpSSRC, cname))
	}
}

// anySSRC names a stream of the publisher, as transport-wide feedback needs one.
func (p *Peer) anySSRC() uint32 {
	for _, src := range p.sources {
		if src != nil {
			for _, l := range src.layers {
				if l.ssrc != 0 {
					return l.ssrc
				}
			}
		}
	}
	return 0
}

// sendRTCP seals a compound packet into the batch.
func (s *Shard) sendRTCP(p *Peer, plain []byte) {
	if !p.reachable() || len(plain) == 0 {
		return
	}
	buf := p.buffer(len(plain) + p.out.RTCPOverhead())
	if buf == nil {
		return
	}
	if _, err := p.out.SealRTCP(buf, plain); err != nil {
		p.unbuffer()
	}
}
