package sfu

import (
	"time"

	"incamera/media/codec"
	"incamera/media/dd"
	"incamera/media/rewrite"
	"incamera/media/ring"
	"incamera/media/rtp"
	"incamera/media/svc"
)

// upFromRing is how old a key picture may be to begin a higher spatial layer of the stream that is shown already: all
// since is sent again with it.
const upFromRing = 700 * time.Millisecond

// takes says whether this slot forwards a packet of its layer's stream: all of it, or up to the point that is aimed at.
func (d *Down) takes(slot *ring.Slot, epoch uint16) bool {
	if !d.video {
		return true
	}
	aim := d.sel.Want()
	if d.point.layer == d.layer { // else another stream is waited for, and this one stays as it is
		aim = svc.Layer{Spatial: d.point.spatial, Temporal: d.point.temporal}
	}
	if d.thin && d.want != nil {
		aim.Temporal = 0
	}
	d.sel.Aim(aim)
	if epoch != d.rw.Epoch() {
		ok, _ := d.sel.Again(epoch, &slot.Facts, slot.TS, slot.Marker)
		return ok
	}
	was := d.sel.Now().Spatial
	ok, _ := d.sel.Take(&slot.Facts, slot.TS, slot.Marker)
	if d.sel.Now().Spatial != was {
		d.peer.slotsChanged() // the page is told what it is shown
	}
	return ok
}

// idle says that a packet will most likely not be forwarded when its turn comes: it belongs to a layer that the newest
// picture was cut below.
func (d *Down) idle(slot *ring.Slot) bool {
	now := d.sel.Now()
	return d.layer != nil && d.layer.grid != nil && (slot.Facts.SID > now.Spatial || slot.Facts.TID > now.Temporal)
}

// shows is the layer that is shown, 0 the smallest: of simulcast the stream, else the spatial layer within it.
func (d *Down) shows() uint32 {
	l := d.layer
	if len(l.source.rids) > 0 || l.grid == nil {
		return uint32(l.index)
	}
	return uint32(min(d.sel.Now().Spatial, l.grid.Top(d.peer.shard.now)))
}

// marker is set on the last packet of the highest layer that is forwarded: a decoder waits for it.
func (d *Down) marker(slot *ring.Slot, epoch uint16) bool {
	if !d.video {
		return slot.Marker
	}
	_, marker := d.sel.Again(epoch, &slot.Facts, slot.TS, slot.Marker)
	return marker
}

// reach helps the selection to the point within the stream that is forwarded: a higher spatial layer begins only at a
// key picture.
func (d *Down) reach() {
	l, now := d.layer, d.peer.shard.now
	if l == nil || l.grid == nil || d.replay.on || now-d.askedAt < pliSpacing {
		return
	}
	d.sel.Aim(svc.Layer{Spatial: d.point.spatial, Temporal: d.point.temporal})
	if !d.sel.Waits(l.grid.Top(now)) {
		return
	}
	d.askedAt = now
	if l.lastKey == 0 || now-l.lastKey > upFromRing || !d.fromRing(l) {
		l.requestKey()
	}
}

// leave leaves a packet out: the numbers after it close ranks.
func (d *Down) leave(l *Layer, slot *ring.Slot, epoch uint16, ts uint32) {
	if slot.PayloadLen > 0 && d.peer.slotKind(l, slot) == codec.VP8 && d.vp8 != nil {
		d.vp8.Drop(epoch, slot.Payload())
	}
	if out, hole := d.rw.Drop(slot.Ext, ts); hole {
		d.fill(out)
	}
}

// closeRanks finds out that the packets missing before this one were of layers that are left out here: then no number is
// kept for them, and nobody has to ask for them.
func (d *Down) closeRanks(l *Layer, slot *ring.Slot) {
	newest, ok := d.rw.Newest()
	if !ok || slot.Ext <= newest+1 || slot.Ext-newest > closeMost {
		return
	}
	before := l.ring.Get(newest)
	if before == nil || before.PayloadLen == 0 {
		return
	}
	a, b, now := &before.Facts, &slot.Facts, d.sel.Now()
	past := a.SID > now.Spatial || a.SID == now.Spatial && a.FrameEnd // what follows in the picture is above
	if !past && a.TID <= now.Temporal {
		return
	}
	same := before.TS == slot.TS
	if !same && (before.Marker || !b.FrameStart || b.SID != 0 || !follows(a, b, l.reader.Spatial)) {
		return
	}
	for ext := newest + 1; ext < slot.Ext; ext++ {
		d.rw.Drop(ext, before.TS)
	}
}

// closeMost is the longest run of missing packets that is looked into.
const closeMost = 64

// follows says whether b begins the picture after that of a, which may have lost its upper layers.
func follows(a, b *codec.Facts, spatial int) bool {
	switch {
	case a.Numbered && b.Numbered && spatial > 0:
		return int(b.Number-a.Number) <= spatial-int(a.SID)
	case a.HasPicture && b.HasPicture:
		return (b.Picture-a.Picture)&0x7f == 1
	}
	return false
}

// fill closes a hole in the outgoing numbers, left for a packet that then was not wanted: an empty repair makes the
// receiver stop waiting for it.
func (d *Down) fill(out rewrite.Out) {
	p := d.peer
	s := p.shard
	pt := p.rtxOf[d.layer.codec]
	if pt == 0 || d.repairs == nil || !p.reachable() {
		return
	}
	index := d.repairNo.Next()
	h := &s.scratch.out
	*h = rtp.Out{PT: pt, Seq: uint16(index), TS: out.TS, SSRC: d.rtx, CSRC: d.layer.source.id, TransportCC: p.twccOut}
	n := rtp.Put(s.scratch.head[:], h, &p.ids)
	if n == 0 {
		return
	}
	rtp.PutOSN(s.scratch.build[:], out.Seq())
	buf := d.buffer(n + rtp.OSNLen + p.out.Overhead())
	if buf == nil {
		return
	}
	copy(buf, s.scratch.head[:n])
	if _, err := d.repairs.Seal(buf, n, s.scratch.build[:rtp.OSNLen], uint32(index>>16), uint16(index)); err != nil {
		p.unbuffer()
		return
	}
	p.sent(len(buf))
}

// rewrite makes the counters in a payload go on over switches of the source. False: the packet must not be sent.
func (d *Down) rewrite(kind codec.Kind, epoch uint16, payload []byte) bool {
	switch kind {
	case codec.VP8:
		if d.vp8 == nil {
			d.vp8 = new(codec.VP8Map)
			d.vp8.Switch(d.rw.Epoch())
		}
		return d.vp8.Rewrite(epoch, payload)
	case codec.VP9:
		return d.vp9.Rewrite(epoch, payload)
	}
	return true
}

// descriptor writes the dependency descriptor of a packet anew. Only AV1 needs it: a browser that is sent some of the
// spatial layers puts the pictures together by it. The other codecs say enough in their payload, and in a slot they may
// come from publishers that write no descriptors.
func (d *Down) descriptor(kind codec.Kind, slot *ring.Slot, epoch uint16) []byte {
	f := &slot.Facts
	if kind != codec.AV1 || d.peer.ids.Dependency == 0 || !f.Numbered {
		return nil
	}
	number, ok := d.frames.Map(epoch, f.Number)
	if !ok {
		return nil
	}
	buf := d.peer.shard.scratch.dd[:]
	return buf[:dd.Put(buf, &dd.Out{
		Start: f.FrameStart, End: f.FrameEnd, Key: f.KeyStart, Number: number,
		Spatial: f.SID, Temporal: f.TID, Diffs: f.Refs[:f.RefCount],
	})]
}
