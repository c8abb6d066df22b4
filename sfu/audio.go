package sfu

import (
	"slices"
	"time"

	"incamera/media/codec"
	"incamera/media/nack"
	"incamera/media/red"
	"incamera/media/ring"
	"incamera/media/rtp"
	"incamera/media/seq"
	"incamera/sfu/offer"
)

// What is lost of a voice is worth asking for only as long as a listener's jitter buffer may still wait for it.
const (
	audioNackAge   = 300 * time.Millisecond
	audioNackTries = 16
	audioNackMost  = 32
	// longestRED is the greatest distance of a copy from its packet that is taken for one packet's duration: beyond it a
	// pause lies between the two.
	longestRED = 120 * time.Millisecond
)

// newAudioNack makes the watch for lost packets of a voice.
func newAudioNack() *nack.Generator {
	return nack.NewGenerator(nack.Options{Max: audioNackMost, MaxTries: audioNackTries, MaxAge: audioNackAge, Pace: nack.Hasty})
}

// unfold puts the packets that a redundant one carries copies of into the ring, as far as they are missing: they are
// forwarded before it.
func (s *Shard) unfold(l *Layer, slot *ring.Slot, h *rtp.Header) {
	p := l.source.peer
	blocks, err := red.Append(s.scratch.blocks[:0], slot.Payload())
	if err != nil {
		return // it was read once before it was kept
	}
	ext, ts, own := slot.Ext, slot.TS, blocks[len(blocks)-1].PT
	copies := blocks[:len(blocks)-1]
	if len(copies) == 0 {
		return
	}
	// The copies are of the packets just before this one when they lie at equal distances; a pause breaks the row.
	one := copies[len(copies)-1].Offset
	if one == 0 || one > l.clock.Ticks(longestRED) {
		return
	}
	for i, b := range copies {
		back := seq.Ext(len(copies) - i)
		if b.Offset != one*uint32(back) || b.PT != own || len(b.Payload) == 0 || ext-back <= l.begin || p.pts[b.PT].codec != codec.Opus ||
			p.pts[b.PT].primary != 0 || l.ring.Get(ext-back) != nil {
			continue
		}
		lost := *h
		lost.TS, lost.Marker = ts-b.Offset, false
		s.counts.unfolded.Add(1)
		s.keep(l, ext-back, &lost, b.Payload, b.PT, true)
	}
}

// ownSize is how long the packet's own sound is, without copies of earlier ones.
func (src *Source) ownSize(slot *ring.Slot) int {
	if src.peer.pts[slot.PT&0x7f].primary != 0 {
		if _, media, err := red.Own(slot.Payload()); err == nil {
			return len(media)
		}
	}
	return int(slot.PayloadLen)
}

// audioPayload is what a receiver gets of a voice, and under which payload type: redundant packets as they are when it
// can read them and its path has room for them, else their own block.
func (d *Down) audioPayload(l *Layer, slot *ring.Slot) (payload []byte, pt uint8) {
	p := d.peer
	own := p.ptOf[codec.Opus]
	in := &l.source.peer.pts[slot.PT&0x7f]
	if in.primary == 0 {
		return slot.Payload(), own
	}
	if p.redPT == 0 || p.flow != nil && !p.flow.Copies(p.shard.now) {
		_, media, err := red.Own(slot.Payload())
		if err != nil {
			return nil, 0
		}
		return media, own
	}
	if in.primary == own {
		return slot.Payload(), p.redPT
	}
	payload = p.shard.scratch.copy[:copy(p.shard.scratch.copy[:], slot.Payload())]
	red.Retype(payload, own)
	return payload, p.redPT
}

// slotSound notes in which form the receiver takes sound, and whether it asks for what was lost.
func (p *Peer) slotSound(section *offer.Section, first bool) {
	for _, f := range section.Formats {
		asks := slices.Contains(f.Feedback, "nack")
		if first {
			p.redPT, p.asksAudio = f.RED, asks
		}
		p.asksAudio = p.asksAudio && asks
		if p.redPT != f.RED {
			p.redPT = 0
		}
	}
}
