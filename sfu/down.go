package sfu

import (
	"math/rand/v2"
	"time"

	"incamera/media/codec"
	"incamera/media/nack"
	"incamera/media/pacer"
	"incamera/media/report"
	"incamera/media/rewrite"
	"incamera/media/seq"
	"incamera/media/svc"
	"incamera/sfu/srtp"
)

const (
	sendHistory   = 1024
	epochsKept    = 8
	fallbackAfter = time.Second // of waiting for a key frame: take any layer that has one
	replayPerTick = 24          // packets of a replay sent at once
	replayMaxAge  = 3 * time.Second
	replayMax     = 300
	replayPress   = 64 // a replayed past is pressed together in time, so that the picture is up to date after it
)

// pause reasons, as the protocol words them.
const (
	pausedOff        = "off"
	pausedNoLayer    = "no_layer"
	pausedCodec      = "codec"
	pausedBandwidth  = "bandwidth"
	pausedOverload   = "overload"
	pausedNotGranted = "not_granted"
)

// wish is what the viewer wants to see in a video slot.
type wish struct {
	source        uint32 // 0: by speech
	width, height uint16
	nobody        bool // 0x0: nobody looks
}

// Down is one slot: one outgoing stream that sources take turns in. Owned by the shard's loop.
type Down struct {
	// What each packet touches is together, in the order in which it is touched.
	peer      *Peer  // static
	layer     *Layer // what is forwarded, nil: nothing
	want      *Layer // what is waited for, until its key frame
	ssrc, rtx uint32 // static
	video     bool   // static
	begun     bool
	opened    bool   // a key frame went into a full path
	thin      bool   // while something smaller is waited for, only the fewest frames are forwarded
	sealed    uint64 // highest index sealed
	stream    *srtp.Stream
	vp8       *codec.VP8Map // nil until the first packet of VP8
	replay    replay
	point     point // how much of the stream is aimed at
	reports   report.Sender
	rw        rewrite.Stream
	sel       svc.Selector
	epochs    [epochsKept]epoch

	slot   int // static
	wish   wish
	target *Source       // whom the slot is for
	asks   point         // what wish and link ask for, whether it is sent or not: its publisher is told that somebody watches
	asked  int           // where that is noted in the source's hints
	also   *Layer        // asked for as well, since what is asked for does not come
	asking time.Duration // since when
	source uint32        // whose packets went out last
	paused string

	withheld bool // the shard is too busy for it
	less     bool // the shard is too busy for all of it

	wantSince time.Duration
	askedAt   time.Duration
	repliedAt time.Duration // last answer to a PLI from the ring

	switchedAt time.Duration
	padded     uint16 // how far back the last repeated packet of a probe was

	vp9      codec.VP9Map
	frames   rewrite.Counter // of dependency descriptors
	repairs  *srtp.Stream
	repairNo seq.Counter
	dedupe   *nack.Dedupe // nil until something is asked for again
	lastSR   uint32       // of ours that the newest round trip time is from
	kept     *outbound    // sound that went out and may be needed again; nil for pictures, and before the first packet
	double   doubler
}

type epoch struct {
	n     uint16
	valid bool
	layer *Layer
	press press
}

// replay walks the ring from a key frame to the present.
type replay struct {
	press
	on    bool
	next  seq.Ext
	first uint32        // timestamp of the key frame that it begins with
	free  time.Duration // when the path last was too full for more
}

// press is how the past of a replay is pressed together in time.
type press struct {
	last   seq.Ext // packets after it are not pressed
	headTS uint32  // timestamp that the pressed past ends at
	factor uint32
}

// move brings a timestamp of the replayed past close to the present.
func (r *press) move(ext seq.Ext, ts uint32) uint32 {
	if r.factor <= 1 || ext > r.last || int32(r.headTS-ts) <= 0 {
		return ts
	}
	return r.headTS - (r.headTS-ts)/r.factor
}

// slotReport is what signaling was told of a slot.
type slotReport struct {
	source uint32
	paused string
	layer  uint32
	epoch  uint16
}

func newDown(p *Peer, slot int, t *slotTrack) (*Down, error) {
	clock := seq.AudioClock
	if t.video {
		clock = seq.VideoClock
	}
	rw, err := rewrite.New(rewrite.Options{
		Clock: clock, History: sendHistory, FirstSeq: uint16(rand.N(1 << 15)), FirstTS: rand.Uint32(),
	})
	if err != nil {
		return nil, err
	}
	d := &Down{
		peer: p, slot: slot, video: t.video, ssrc: t.ssrc, rtx: t.rtx, rw: *rw,
		repairNo: newCounter(uint16(rand.N(1 << 15))),
		vp9:      codec.NewVP9Map(), frames: rewrite.Counter{Bits: 16},
	}
	if t.video {
		d.wish = wish{width: firstWidth, height: firstHeight, nobody: p.wished}
	}
	if p.out != nil {
		err = d.bind(p.out)
	}
	return d, err
}

// bind makes the sealing state, the one of each SSRC under these keys.
func (d *Down) bind(out *srtp.Out) (err error) {
	if d.stream, err = out.Stream(d.ssrc); err != nil || d.rtx == 0 {
		return err
	}
	d.repairs, err = out.Stream(d.rtx)
	return err
}

// aim makes src the slot's source. What was shown runs on until the new source's key frame, unless it must not. A
// picture is then given what the link carries, together with the others of its receiver.
func (d *Down) aim(src *Source) {
	if d.target != src {
		d.target = src
		d.stopWanting()
		if src == nil || d.layer != nil && !d.layer.source.live() {
			d.cut()
		}
	}
	if !d.video {
		d.choose()
	}
}

// cut stops forwarding at once.
func (d *Down) cut() {
	if l := d.layer; l != nil {
		d.layer = nil
		d.replay.on = false
		if d.want != l {
			d.unwatch(l)
		}
		if d.kept != nil && !l.source.live() {
			d.kept.forget() // what is muted is not heard again
		}
	}
	d.peer.slotsChanged()
}

func (d *Down) stopWanting() {
	if l := d.want; l != nil {
		d.want = nil
		if d.layer != l {
			d.unwatch(l)
		}
	}
}

// ask notes which layer is asked for. A layer that was switched off comes back only by this.
func (d *Down) ask(pt point) {
	if d.asks.layer == pt.layer && d.asks.spatial == pt.spatial {
		return
	}
	d.instead(nil)
	now := d.peer.shard.now
	if l := d.asks.layer; l != nil {
		l.source.watched(d.asked, -1)
	}
	d.asking = now
	if d.asks = pt; pt.layer != nil {
		d.asked = pt.layer.hint(pt.spatial)
		pt.layer.source.watched(d.asked, 1)
	}
}

// instead asks for another stream as well, when the one that is asked for does not come: a small or slow camera never
// sends the largest.
func (d *Down) instead(l *Layer) {
	if d.also == l {
		return
	}
	if d.also != nil {
		d.also.source.watched(d.also.index, -1)
	}
	if d.also = l; l != nil {
		l.source.watched(l.index, 1)
	}
}

func (d *Down) watch(l *Layer) {
	l.attach(d)
	l.source.watched(l.index, 1)
}

func (d *Down) unwatch(l *Layer) {
	l.detach(d)
	l.source.watched(l.index, -1)
}

// sourceRestarted is told when a layer began anew under another SSRC: its old numbers mean nothing any more.
func (d *Down) sourceRestarted(l *Layer) {
	if d.layer == l {
		d.replay.on = false
		d.layer = nil
		if d.want != nil && d.want != l {
			d.unwatch(l)
			return
		}
		d.want = l
		d.wantSince = d.peer.shard.now
		d.peer.soon()
	}
}

func (d *Down) pause(why string) {
	if d.paused != why {
		d.paused = why
		d.peer.slotsChanged()
	}
}

// choose forwards the target's sound.
func (d *Down) choose() {
	src := d.target
	switch {
	case src == nil || !d.peer.ready:
		d.pause("")
	case !src.live():
		d.stop(d.why(src))
	default:
		d.pause("")
		d.seek(whole(src.layers[0]))
	}
}

func (d *Down) why(src *Source) string {
	switch {
	case !src.granted:
		return pausedNotGranted
	case !src.on:
		return pausedOff
	case !src.seen || src.peer.state != stateConnected:
		return pausedNoLayer
	}
	return ""
}

// seek goes for a layer: from the ring when it holds a key frame and all since, else by asking for one.
// Within one stream the new point holds from the next packet on where the selection can follow.
func (d *Down) seek(pt point) {
	l := pt.layer
	d.point = pt
	full := d.video && d.peer.flow != nil && d.peer.flow.Full()
	d.opened = d.opened && full
	if l == d.layer {
		d.stopWanting()
		d.reach()
		return
	}
	if l == d.want || d.opened && d.layer == nil {
		return // a second key frame into a full path would only keep it full
	}
	d.stopWanting()
	d.thin = false
	d.want, d.wantSince = l, d.peer.shard.now
	d.watch(l)
	d.peer.soon()
	if !d.video {
		return
	}
	if !d.fromRing(l) {
		l.requestKey()
		d.askedAt = d.peer.shard.now
		d.showLower()
	}
}

// fromRing starts at the layer's last key frame. False when the ring cannot serve.
func (d *Down) fromRing(l *Layer) bool {
	s := d.peer.shard
	if l.ring == nil || !d.peer.reachable() {
		return false
	}
	run, ok := l.replay(s.now)
	if !ok || d.peer.slow(l, run.Age, run.Packets) {
		return false
	}
	first, head := l.ring.Get(run.First), l.ring.Get(run.Last)
	if first == nil || head == nil {
		return false
	}
	press := replay{on: true, next: run.First, press: press{last: run.Last, headTS: head.TS, factor: replayPress}}
	d.switchTo(l, press, first.TS)
	s.counts.replays.Add(1)
	d.pump()
	return true
}

// switchTo makes l the layer that is forwarded, from r.next on.
func (d *Down) switchTo(l *Layer, r replay, ts uint32) {
	s := d.peer.shard
	if old := d.layer; old != nil && old != l {
		d.unwatch(old)
	}
	if d.layer != l && d.want != l {
		d.watch(l)
	}
	d.layer, d.want = l, nil
	d.source = l.source.id
	d.replay, d.switchedAt = r, s.now
	d.replay.first = ts
	d.rw.Switch(r.next, r.move(r.next, ts), s.now)
	n := d.rw.Epoch()
	d.epochs[n%epochsKept] = epoch{n: n, valid: true, layer: l, press: r.press}
	if d.vp8 != nil {
		d.vp8.Switch(n)
	}
	d.sel.Aim(svc.Layer{Spatial: svc.Everything, Temporal: svc.Everything}) // of a stream that is not the wanted one
	d.sel.Switch(n)
	d.reports.Switched()
	d.pause("")
	d.peer.slotsChanged()
	d.peer.soon() // a report of the new clock goes out
	s.counts.switches.Add(1)
}

// pump sends some of a running replay.
func (d *Down) pump() {
	l := d.layer
	for n := 0; d.replay.on && l != nil; n++ {
		if d.replay.next > l.ring.Highest() {
			d.replay.on = false
			return
		}
		if n == replayPerTick {
			d.peer.by(d.peer.shard.now + urgentTick)
			return
		}
		slot := l.ring.Get(d.replay.next)
		if p := d.peer; d.video && p.flow != nil && !p.flow.Pass(p.shard.now) && !d.opens(slot) {
			if p.flow.Full() {
				d.replay.free = p.shard.now
			}
			if p.shard.now-max(d.switchedAt, d.replay.free) > catchUp {
				d.overflow(pacer.TooSlow)
				return
			}
			p.by(p.shard.now + urgentTick)
			return
		}
		if slot != nil {
			d.opened = d.opened || d.opens(slot)
			d.put(l, slot)
		}
		d.replay.next++
	}
}
