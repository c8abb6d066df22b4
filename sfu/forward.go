package sfu

import (
	"incamera/media/codec"
	"incamera/media/rewrite"
	"incamera/media/ring"
	"incamera/media/rtp"
)

// flushAt is how many datagrams of a round are sealed before they are sent: some 0.1 ms, so that the first receivers need
// not wait for the last, and what is noted as the time of sending is about that.
const flushAt = 128

// forwardFresh sends what a batch brought, receiver by receiver, so that one receiver's packets make one run.
func (s *Shard) forwardFresh() {
	s.handOver()
	for _, l := range s.fresh {
		for i, d := range l.downs {
			fetchListed(l.downs, i)
			p := d.peer
			if !p.reachable() || !p.ready {
				continue
			}
			if len(p.work) == 0 {
				s.dirty = append(s.dirty, p)
			}
			p.work = append(p.work, work{down: d, layer: l})
		}
	}
	for i, p := range s.dirty {
		fetchNext(s.dirty, i)
		for _, w := range p.work {
			for _, f := range w.layer.fresh {
				if f.slot.Gen == f.gen {
					w.down.forward(w.layer, f.slot)
				}
			}
		}
		p.work = p.work[:0]
		if s.batch.Len() >= flushAt {
			s.batch.Flush()
			if s.running {
				s.now = s.clock()
			}
		}
	}
	for _, l := range s.fresh {
		l.fresh = l.fresh[:0]
	}
	s.fresh, s.dirty = s.fresh[:0], s.dirty[:0]
}

// forward takes a fresh packet of a layer that this slot forwards or waits for.
func (d *Down) forward(l *Layer, slot *ring.Slot) {
	if l == d.want && l != d.layer {
		if d.video && !slot.Facts.KeyStart || slot.PayloadLen == 0 {
			return
		}
		d.switchTo(l, replay{on: true, next: slot.Ext}, slot.TS)
		d.pump() // sends this packet, and what came before it but belongs after it
		return
	}
	if l != d.layer {
		return
	}
	if d.replay.on {
		if slot.Ext >= d.replay.next {
			d.pump()
			return
		}
	}
	d.pace(l, slot)
}

// put gives a packet its place in the outgoing stream and sends it.
func (d *Down) put(l *Layer, slot *ring.Slot) {
	s := d.peer.shard
	n := d.rw.Epoch()
	ts := slot.TS
	if e := &d.epochs[n%epochsKept]; e.press.factor > 1 {
		ts = e.press.move(slot.Ext, ts)
	}
	if d.video && l.grid != nil {
		d.closeRanks(l, slot)
	}
	if slot.PayloadLen == 0 || !d.takes(slot, n) {
		d.leave(l, slot, n, ts)
		return
	}
	out, ok := d.rw.Packet(slot.Ext, ts, s.now)
	if !ok {
		return
	}
	if d.begun && out.Index <= d.sealed && d.sendRepair(out, slot, l, n) {
		return // late: the receiver may have asked for it already
	}
	d.send(out, slot, l, n)
}

// header fills the outgoing header from a slot.
func (d *Down) header(out rewrite.Out, slot *ring.Slot, source uint32, epoch uint16) *rtp.Out {
	p := d.peer
	h := &p.shard.scratch.out
	*h = rtp.Out{
		Marker: d.marker(slot, epoch), Seq: out.Seq(), TS: out.TS, SSRC: d.ssrc, CSRC: source,
		TransportCC: p.twccOut,
		HasLevel:    slot.HasLevel, HasOrientation: slot.HasOrientation, Orientation: slot.Orientation,
	}
	if slot.HasLevel {
		h.Level = rtp.LevelByte(slot.Level, slot.Voice)
	}
	return h
}

// send seals a packet from the ring into the batch.
func (d *Down) send(out rewrite.Out, slot *ring.Slot, l *Layer, epoch uint16) {
	p := d.peer
	s := p.shard
	payload := slot.Payload()
	kind := p.slotKind(l, slot)
	pt := p.ptOf[kind]
	if pt == 0 {
		s.drop(dropNoPT)
		return
	}
	if kind == codec.Opus {
		if payload, pt = d.audioPayload(l, slot); pt == 0 {
			s.drop(dropPayload)
			return
		}
	}
	if kind == codec.VP8 || kind == codec.VP9 {
		payload = s.scratch.copy[:copy(s.scratch.copy[:], payload)]
		if !d.rewrite(kind, epoch, payload) {
			s.drop(dropPayload)
			return
		}
	}
	h := d.header(out, slot, l.source.id, epoch)
	h.PT, h.Dependency = pt, d.descriptor(kind, slot, epoch)
	n := rtp.Put(s.scratch.head[:], h, &p.ids)
	if n == 0 { // before Buf: what it gives is sent, written or not
		s.drop(dropTooBig)
		return
	}
	buf := d.buffer(n + len(payload) + p.out.Overhead())
	if buf == nil {
		return
	}
	copy(buf, s.scratch.head[:n])
	if _, err := d.stream.Seal(buf, n, payload, out.ROC(), out.Seq()); err != nil {
		p.unbuffer()
		s.drop(dropOfSeal(err))
		return
	}
	d.sealed, d.begun = max(d.sealed, out.Index), true
	p.sent(len(buf))
	d.reports.Sent(len(payload))
	if !d.video {
		d.keep(out.Seq(), buf)
	}
	if p.flow != nil {
		if d.video {
			p.flow.Video(len(buf), len(payload))
		} else {
			p.flow.Audio(len(buf))
		}
	}
}

// slotKind is the codec of a packet: the publisher may change it in mid stream.
func (p *Peer) slotKind(l *Layer, slot *ring.Slot) codec.Kind {
	return l.source.peer.pts[slot.PT&0x7f].codec
}

// sendRepair sends a packet as a retransmission (RFC 4588), on the SSRC that has numbers of its own.
func (d *Down) sendRepair(out rewrite.Out, slot *ring.Slot, l *Layer, epoch uint16) bool {
	p := d.peer
	s := p.shard
	kind := p.slotKind(l, slot)
	pt := p.rtxOf[kind]
	if pt == 0 || d.repairs == nil || int(slot.PayloadLen)+rtp.OSNLen > len(s.scratch.build) {
		return false
	}
	rtp.PutOSN(s.scratch.build[:], out.Seq())
	payload := s.scratch.build[:rtp.OSNLen+copy(s.scratch.build[rtp.OSNLen:], slot.Payload())]
	if !d.rewrite(kind, epoch, payload[rtp.OSNLen:]) {
		return false
	}
	index := d.repairNo.Next()
	h := d.header(out, slot, l.source.id, epoch)
	h.PT, h.SSRC, h.Seq, h.Dependency = pt, d.rtx, uint16(index), d.descriptor(kind, slot, epoch)
	n := rtp.Put(s.scratch.head[:], h, &p.ids)
	if n == 0 {
		return false
	}
	buf := d.buffer(n + len(payload) + p.out.Overhead())
	if buf == nil {
		return false
	}
	copy(buf, s.scratch.head[:n])
	if _, err := d.repairs.Seal(buf, n, payload, uint32(index>>16), uint16(index)); err != nil {
		p.unbuffer()
		return false
	}
	p.sent(len(buf))
	return true
}
