package sfu

import (
	"net/netip"

	"incamera/cluster/noderpc"
	"incamera/media/codec"
	"incamera/media/dd"
	"incamera/media/red"
	"incamera/media/ring"
	"incamera/media/rtp"
	"incamera/media/send"
	"incamera/media/seq"
	"incamera/media/twcc"
	"incamera/sfu/offer"
)

// scratch is a shard's working memory, so that no packet needs any of its own.
type scratch struct {
	hdr   rtp.Header
	plain [2048]byte
	rtcp  [2048]byte
	build [1500]byte
	out   rtp.Out
	head  [128]byte
	copy  [ring.BufSize]byte
	seqs  [256]uint16

	blocks [red.MaxBlocks]red.Block
	dd     [dd.MaxWritten]byte
	handed handed
}

// media takes an SRTP or SRTCP datagram.
func (s *Shard) media(src netip.AddrPort, pkt []byte) {
	p := s.lastFrom
	if p == nil || s.lastAddr != src {
		if p = s.addrs[src]; p == nil {
			s.stray(src, pkt)
			return
		}
		s.lastAddr, s.lastFrom = src, p
	}
	s.mediaOf(p, src, pkt)
}

// mediaOf takes media of a known peer; src is not valid when it came over TCP.
func (s *Shard) mediaOf(p *Peer, src netip.AddrPort, pkt []byte) {
	if p.in == nil {
		if p.state != stateConnecting || len(p.early) >= maxEarly {
			s.drop(dropEarly)
			return
		}
		// Rare and short: between the handshake's last datagram and the keys.
		p.early = append(p.early, earlyPacket{src: src, pkt: append([]byte(nil), pkt...)})
		return
	}
	if isRTCP(pkt) {
		s.rtcp(p, src, pkt)
		return
	}
	s.rtp(p, src, pkt)
}

// isRTCP tells RTCP from RTP by the packet type (RFC 5761 section 4).
func isRTCP(pkt []byte) bool { return len(pkt) >= 8 && pkt[1] >= 192 && pkt[1] <= 223 }

// heard notes an authentic packet.
func (p *Peer) heard() {
	p.lastPacket = p.shard.now
	if p.via == nil {
		p.lastDirect = p.shard.now
	} else if p.via != p.link {
		p.followLink()
	}
	if p.state == stateLost {
		p.shard.revived(p)
	}
}

func (s *Shard) rtp(p *Peer, src netip.AddrPort, pkt []byte) {
	h := &s.scratch.hdr
	if err := rtp.ParseHeader(pkt, h); err != nil {
		s.drop(dropMalformed)
		return
	}
	s.in.packets++
	s.in.bytes += uint64(len(pkt))
	st := p.streams[h.SSRC]
	elsewhere := p.elsewhere(src)
	if st == nil || st.rtx || st.layer.ring == nil || elsewhere {
		s.slowRTP(p, st, src, pkt)
		return
	}
	l := st.layer
	index, err := p.in.Peek(h.SSRC, h.Seq)
	if err != nil {
		s.drop(dropOf(err))
		return
	}
	slot := l.ring.Reserve(extOf(index))
	if slot == nil {
		s.drop(dropDuplicate)
		return
	}
	n, _, err := p.in.Open(slot.Buf[:], pkt, h.HeaderLen)
	if err != nil {
		s.drop(dropOf(err))
		return
	}
	p.heard()
	if p.roam.probing {
		p.roam.earn(len(pkt))
	}
	p.uplink.Arrived(len(pkt) + send.Datagram)
	p.arrivedNow(h)
	if err := h.ParsePayload(slot.Buf[:n]); err != nil {
		s.drop(dropMalformed)
		return
	}
	slot.HeaderLen, slot.PayloadLen = uint16(h.HeaderLen), uint16(h.PayloadLen)
	s.store(l, slot, h, h.PT, false)
}

// extOf puts SRTP's packet index on the ring's scale, where a stream begins in cycle 1.
func extOf(index uint64) seq.Ext { return seq.Ext(index + 1<<16) }

// slowRTP takes what is not the next packet of a known stream from where the client was: the first one of a stream,
// repairs, and packets from elsewhere.
func (s *Shard) slowRTP(p *Peer, st *stream, src netip.AddrPort, pkt []byte) {
	h := &s.scratch.hdr
	newest := p.elsewhere(src) && p.in.Newest(h.SSRC, h.Seq)
	n, index, err := p.in.Open(s.scratch.plain[:], pkt, h.HeaderLen)
	if err != nil {
		s.drop(dropOf(err))
		return
	}
	p.authentic(src, h.SSRC, len(pkt), newest)
	p.uplink.Arrived(len(pkt) + send.Datagram)
	s.opened(p, st, s.scratch.plain[:n], index)
}

// opened takes an authentic packet from the scratch memory.
func (s *Shard) opened(p *Peer, st *stream, plain []byte, index uint64) {
	h := &s.scratch.hdr
	p.arrivedNow(h)
	if err := h.ParsePayload(plain); err != nil {
		s.drop(dropMalformed)
		return
	}
	if st == nil {
		if st = s.resolve(p, h); st == nil {
			return
		}
	}
	l := st.layer
	payload := plain[h.HeaderLen : h.HeaderLen+h.PayloadLen]
	if st.rtx {
		s.repair(l, h, payload)
		return
	}
	if l.ring == nil {
		kind := p.pts[h.PT&0x7f].codec
		if kind == 0 || kind.Video() != isVideo(l.source.kind) {
			s.drop(dropUnknownStream)
			return
		}
		if err := l.open(kind); err != nil {
			s.drop(dropTooBig)
			return
		}
	}
	s.keep(l, extOf(index), h, payload, h.PT, false)
}

// keep copies a payload into the ring.
func (s *Shard) keep(l *Layer, ext seq.Ext, h *rtp.Header, payload []byte, pt uint8, recovered bool) {
	slot := l.ring.Reserve(ext)
	if slot == nil {
		s.drop(dropDuplicate)
		return
	}
	if len(payload) > len(slot.Buf) {
		s.drop(dropTooBig)
		return
	}
	slot.HeaderLen, slot.PayloadLen = 0, uint16(copy(slot.Buf[:], payload))
	s.store(l, slot, h, pt, recovered)
}

// repair puts a retransmission where the lost packet belongs.
func (s *Shard) repair(l *Layer, h *rtp.Header, payload []byte) {
	osn, media, ok := rtp.OSN(payload)
	if !ok {
		s.drop(dropProbe) // publishers probe with it
		return
	}
	primary := l.source.peer.pts[h.PT&0x7f].primary
	if l.ring == nil || primary == 0 || l.ring.Highest() == 0 {
		s.drop(dropRTX)
		return
	}
	s.keep(l, seq.Near(l.ring.Highest(), osn), h, media, primary, true)
}

// resolve learns what an SSRC is from the header extensions of its first packets, else from their payload type.
func (s *Shard) resolve(p *Peer, h *rtp.Header) *stream {
	mid := h.Ext(p.exts[offer.ExtMid])
	rid, repaired := h.Ext(p.exts[offer.ExtRid]), h.Ext(p.exts[offer.ExtRepairedRid])
	in := &p.pts[h.PT&0x7f]
	rtx := in.primary != 0 && in.codec == 0
	if rtx && len(repaired) > 0 {
		rid = repaired
	}
	if len(mid) > 64 || len(rid) > 64 {
		s.drop(dropUnknownStream)
		return nil
	}
	var l *Layer
	if len(mid) > 0 {
		l = p.find(mid, rid)
	} else {
		l = p.findNameless(h.PT&0x7f, rid)
	}
	if l == nil {
		s.drop(dropUnknownStream)
		return nil
	}
	st := p.addStream(h.SSRC, l, rtx)
	if st == nil {
		s.drop(dropTooManyStreams)
	}
	return st
}

// arrivedNow notes the packet for the publisher's congestion control: repairs and padding count too.
func (p *Peer) arrivedNow(h *rtp.Header) {
	if ext := h.Ext(p.exts[offer.ExtTransportCC]); ext != nil {
		if n, ok := rtp.ParseTransportCC(ext); ok {
			if p.arrived == nil {
				p.arrived = twcc.NewRecorder()
			}
			p.arrived.Record(n, p.shard.now)
			if t, ok := p.arrived.Next(); ok {
				p.by(t)
			}
		} else {
			p.shard.drop(dropExtension)
		}
	}
}

// store finishes a packet in its reserved slot and marks the layer as fresh.
func (s *Shard) store(l *Layer, slot *ring.Slot, h *rtp.Header, pt uint8, recovered bool) {
	src, p := l.source, l.source.peer
	l.stats.Packet(slot.Ext, h.TS, recovered, s.now)
	kind := p.pts[pt&0x7f].codec
	if l.nack != nil {
		if l.nack.Received(slot.Ext, s.now) {
			s.counts.recovered.Add(1)
			if wait := l.nack.Waited(); recovered && wait > 0 && kind.Video() {
				p.answers.Took(wait, s.now)
			}
		}
		if l.nack.Missing() > 0 {
			p.by(l.nextNack)
		}
	}
	if kind == 0 || kind.Video() != isVideo(src.kind) {
		s.drop(dropUnknownStream)
		return
	}
	if !src.granted {
		s.drop(dropNotGranted)
		return
	}
	if !src.on {
		s.drop(dropOff)
		return
	}
	slot.TS, slot.PT, slot.Marker, slot.Recovered, slot.Arrival = h.TS, pt, h.Marker, recovered, s.now
	if src.kind == noderpc.Kind_KIND_MIC && !recovered {
		p.uplink.Sound(seq.RTPTime(h.TS), h.HeaderLen+h.PayloadLen+p.out.Overhead()+send.Datagram, s.now)
	}
	if src.kind == noderpc.Kind_KIND_CAMERA || src.kind == noderpc.Kind_KIND_SCREEN {
		if ext := h.Ext(p.exts[offer.ExtOrientation]); len(ext) > 0 {
			slot.HasOrientation, slot.Orientation = true, ext[0]
		}
		facts, err := l.facts(slot, h, kind)
		if err != nil {
			s.drop(dropPayload)
			return
		}
		slot.Facts = facts
	} else if ext := h.Ext(p.exts[offer.ExtAudioLevel]); ext != nil && !recovered {
		slot.Level, slot.Voice, slot.HasLevel = rtp.ParseLevel(ext)
	}
	redundant := p.pts[pt&0x7f].primary != 0 && slot.PayloadLen > 0
	if redundant {
		if _, _, err := red.Own(slot.Payload()); err != nil {
			s.drop(dropPayload)
			return
		}
	}
	s.commit(l, slot, kind)
	if redundant {
		s.unfold(l, slot, h)
	}
	s.offer(l, slot, kind)
}

// commit puts a finished packet into the ring, and into what is known of its layer.
func (s *Shard) commit(l *Layer, slot *ring.Slot, kind codec.Kind) {
	src := l.source
	if l.ring.Commit(slot); l.begin == 0 {
		l.begin = slot.Ext - 1
	}
	l.pt, l.codec = slot.PT, kind
	if l.cameTS == slot.TS {
		l.gap += (min(s.now-l.cameAt, 4*burstGap) - l.gap) / 8
	}
	l.cameAt, l.cameTS = s.now, slot.TS
	l.srcClock.Packet(slot.TS, slot.Arrival)
	if slot.PayloadLen == 0 {
		s.drop(dropPadding) // padding only: it keeps its place, so that the outgoing streams close ranks
	} else {
		l.flows(int(slot.PayloadLen), slot.TS)
	}
	if slot.Facts.KeyStart {
		l.lastKey, l.wantKey, l.foreseen = s.now, false, false
		if l.nack != nil {
			l.nack.Key(slot.Ext)
		}
	}
	if !src.seen {
		src.appeared = s.now
	}
}

// flows takes note of media on a layer.
func (l *Layer) flows(bytes int, ts uint32) {
	src, now := l.source, l.source.peer.shard.now
	woke := !src.set.Alive(l.index, now)
	src.set.Packet(l.index, bytes, now)
	if later := int32(ts - l.newTS); later > 0 || later < -clockJump {
		l.newTS = ts
		src.set.Begins(l.index, now)
	}
	if woke {
		src.peer.room.woke(src)
	}
}

// offer makes a packet that is in the ring one of this batch.
func (s *Shard) offer(l *Layer, slot *ring.Slot, kind codec.Kind) {
	src := l.source
	if len(l.fresh) == 0 {
		s.fresh = append(s.fresh, l)
	}
	if len(l.fresh) < cap(l.fresh) {
		l.fresh = append(l.fresh, freshPacket{slot: slot, gen: slot.Gen})
	} else {
		s.drop(dropLate)
	}
	if !src.seen {
		src.seen = true
		src.peer.room.sourceAppeared(src)
	}
	if !kind.Video() && !slot.Recovered {
		src.peer.room.voice(src, slot)
	}
}
