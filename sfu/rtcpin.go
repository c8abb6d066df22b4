package sfu

import (
	"encoding/binary"
	"net/netip"
	"time"

	"incamera/media/layer"
	"incamera/media/nack"
	"incamera/media/report"
	"incamera/media/rewrite"
	"incamera/media/ring"
	"incamera/media/rtcp"
)

// A packet that is asked for after so long is one that its receiver will soon give up.
const (
	overdueAfter  = 400 * time.Millisecond
	overdueRounds = 8
)

// rtcp takes an SRTCP datagram.
func (s *Shard) rtcp(p *Peer, src netip.AddrPort, pkt []byte) {
	if len(pkt) > len(s.scratch.rtcp) {
		s.drop(dropTooBig)
		return
	}
	newest := p.elsewhere(src) && p.in.NewestRTCP(pkt)
	n, err := p.in.OpenRTCP(s.scratch.rtcp[:], pkt)
	if err != nil {
		s.drop(dropOf(err))
		return
	}
	p.authentic(src, binary.BigEndian.Uint32(pkt[4:]), len(pkt), newest)
	s.reports(p, s.scratch.rtcp[:n])
}

// reports takes an authentic compound packet.
func (s *Shard) reports(p *Peer, plain []byte) {
	r := rtcp.NewReader(plain)
	for r.Next() {
		switch r.Kind() {
		case rtcp.SR:
			s.senderReportIn(p, &r)
			p.blocks(&r)
		case rtcp.RR:
			p.blocks(&r)
		case rtcp.NACK:
			s.nackIn(p, &r)
		case rtcp.TransportCC:
			p.arrivals(&r)
		case rtcp.REMB:
			if p.flow != nil {
				p.flow.Estimator().REMB(layer.Bitrate(min(r.Bitrate(), 1<<40)), s.now)
			}
		case rtcp.PLI, rtcp.FIR:
			for i := range r.Targets() {
				if d := p.down(r.Target(i)); d != nil {
					s.counts.pliReceived.Add(1)
					d.pictureLost()
				}
			}
		}
	}
	if r.Err() != nil {
		s.drop(dropRTCP)
	}
	if p.flow != nil && (p.flow.Estimator().Eager(s.now) || p.divisionDue()) {
		p.soon()
	}
}

func (s *Shard) senderReportIn(p *Peer, r *rtcp.Reader) {
	info, ok := r.Sender()
	st := p.streams[info.SSRC]
	if !ok || st == nil || st.rtx || st.layer.ring == nil {
		return
	}
	ntp := report.NTP(info.NTP)
	p.clocks.Observe(ntp, s.now)
	st.layer.stats.SenderReport(ntp, s.now)
	st.layer.srcClock.SenderReport(ntp, info.RTP)
	st.layer.reflectClock()
}

// blocks takes the round trip time from a receiver's reports, and what was lost.
func (p *Peer) blocks(r *rtcp.Reader) {
	lost, blocks := 0, 0
	for i := range r.Blocks() {
		b := r.Block(i)
		d := p.down(b.SSRC)
		if d == nil {
			continue
		}
		d.double.reported(b.FractionLost, p.shard.now)
		// A report is repeated for as long as nothing new goes out on the stream: it is one measurement all the same.
		if rtt, ok := report.RTT(b, p.shard.wall, p.shard.now); ok && b.LSR != d.lastSR {
			d.lastSR = b.LSR
			p.rtt += (rtt - p.rtt) / 4
		}
		lost += int(b.FractionLost)
		blocks++
	}
	if blocks > 0 && p.flow != nil {
		p.flow.Estimator().Report(float64(lost)/256/float64(blocks), p.shard.now)
	}
}

func (p *Peer) down(ssrc uint32) *Down {
	for _, d := range p.downs {
		if d.ssrc == ssrc {
			return d
		}
	}
	return nil
}

// nackIn answers lost packets from the ring, each at most once per round trip.
func (s *Shard) nackIn(p *Peer, r *rtcp.Reader) {
	d := p.down(r.Media())
	if d == nil || d.repairs == nil && (d.video || !p.asksAudio) || !p.reachable() {
		return
	}
	for i := range r.NACKs() {
		for _, lost := range r.NACK(i).Append(s.scratch.seqs[:0]) {
			s.counts.nackRequests.Add(1)
			if !d.holds(lost) { // its publisher may be being asked
				s.counts.nackMissed.Add(1) // and must not push out what dedupe knows of others
				continue
			}
			if d.dedupe == nil {
				d.dedupe = new(nack.Dedupe)
			}
			if d.dedupe.Allow(lost, p.rtt, s.now) {
				d.double.lost++
				d.overdue(lost)
				d.repairLater(lost)
			}
		}
	}
}

// overdue begins a new picture where a packet has been asked for so long, on a path that loses much, that its receiver
// will soon give it up: the request for a key frame may be lost as well, and browsers repeat it after three seconds.
func (d *Down) overdue(lost uint16) {
	p := d.peer
	if !d.video || p.flow == nil || !p.flow.Twice() {
		return
	}
	_, slot, l := d.original(lost)
	if slot == nil || l != d.layer || l.lastKey > slot.Arrival || p.shard.now-slot.Arrival < max(overdueAfter, overdueRounds*p.rtt) {
		return
	}
	l.requestKey()
}

// holds says whether a packet that went out can be sent again.
func (d *Down) holds(lost uint16) bool {
	if !d.video {
		return d.kept != nil && d.kept.get(lost) != nil
	}
	_, slot, _ := d.original(lost)
	return slot != nil
}

// original finds what went out under a number; the slot is nil when it is not there any more, or not yet.
func (d *Down) original(lost uint16) (rewrite.Origin, *ring.Slot, *Layer) {
	origin, ok := d.rw.Lookup(lost)
	if !ok {
		return origin, nil, nil
	}
	e := &d.epochs[origin.Epoch%epochsKept]
	if !e.valid || e.n != origin.Epoch || e.layer.ring == nil || !e.layer.source.live() {
		return origin, nil, nil
	}
	slot := e.layer.ring.Get(origin.Ext)
	if slot == nil || slot.PayloadLen == 0 {
		return origin, nil, nil
	}
	return origin, slot, e.layer
}

func (d *Down) answer(lost uint16) bool {
	if !d.video {
		return d.resend(lost)
	}
	origin, slot, l := d.original(lost)
	return slot != nil && d.sendRepair(origin.Out, slot, l, origin.Epoch)
}

// pictureLost is a viewer's PLI: it missed the picture. A young key frame is replayed, otherwise a new one is asked for.
func (d *Down) pictureLost() {
	l := d.layer
	if l == nil || !d.video || d.replay.on {
		return
	}
	now := d.peer.shard.now
	if l.lastKey != 0 && now-l.lastKey < pliSpacing && (d.repliedAt == 0 || now-d.repliedAt >= keySpacing) {
		if d.fromRing(l) {
			d.repliedAt = now
			return
		}
	}
	l.requestKey()
}
