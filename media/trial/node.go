package trial

import (
	"time"

	"incamera/media/bwe"
	"incamera/media/layer"
	"incamera/media/nack"
	"incamera/media/pacer"
	"incamera/media/rewrite"
	"incamera/media/send"
	"incamera/media/seq"
)

const (
	audioSize  = 110
	audioEvery = 20 * time.Millisecond
	tickEvery  = 10 * time.Millisecond
	soonTick   = 5 * time.Millisecond
	padding    = 1000
)

// queued names a packet that waits.
type queued struct {
	down   *down
	stream *stream
	ext    seq.Ext
	lost   uint16
}

// down is one slot of the viewer, as the node keeps it.
type down struct {
	slot         int
	camera       *camera
	layer, want  *stream
	level, wants int
	rw           *rewrite.Stream
	epochs       [8]*stream
	levels       [8]int
	dedupe       nack.Dedupe
	behind       seq.Ext // next packet of a stream that is being caught up with, 0: none
	behindSince  time.Duration
	opened       bool   // a key frame went into a full path
	opening      uint32 // timestamp of the key frame that it began with
	askedAt      time.Duration
	padded       uint16
}

// node sends to one viewer.
type node struct {
	flow    *send.Flow[queued]
	downs   []*down
	number  uint16
	out     func(p sent, size int)
	now     time.Duration
	tick    time.Duration
	audioAt time.Duration
	audio   int
	choose  time.Duration
	rtt     time.Duration
	policy  policy
	padNext int

	overflows, shared int
	bytes             int
}

func newNode(cameras []*camera, start layer.Bitrate, out func(p sent, size int)) *node {
	n := &node{flow: send.New[queued](bwe.Options{Start: start}), out: out, rtt: 60 * time.Millisecond}
	for i, c := range cameras {
		rw, err := rewrite.New(rewrite.Options{Clock: seq.VideoClock, History: 1024, FirstSeq: 100, FirstTS: 1})
		if err != nil {
			panic(err) // the options are constant
		}
		n.downs = append(n.downs, &down{slot: i, camera: c, rw: rw, level: -1, wants: -1})
	}
	return n
}

// send gives a packet its number and lets it go.
func (n *node) send(p sent, size int) {
	p.number = n.number
	n.number++
	n.bytes += size + send.Datagram
	n.flow.Sent(p.number, size, n.now)
	n.out(p, size+send.Datagram)
}

// fresh is a packet that came in.
func (n *node) fresh(d *down, s *stream, p *packet) {
	if s == d.want && p.key && p.first {
		n.switchTo(d, s, p)
		n.pump(d)
		return
	}
	if s != d.layer {
		return
	}
	if d.behind != 0 {
		n.pump(d)
		return
	}
	if n.flow.Pass(n.now) || n.flow.Full() && p.ts == d.opening {
		n.put(d, s, p)
		return
	}
	if out := n.flow.Push(pacer.Video, queued{down: d, stream: s, ext: p.ext}, p.size+headers, n.now); out != pacer.Queued {
		n.overflow(d)
		return
	}
	n.tick = min(n.tick, n.now+soonTick)
}

func (n *node) switchTo(d *down, s *stream, p *packet) {
	d.layer, d.want, d.level = s, nil, d.wants
	d.rw.Switch(p.ext, p.ts, n.now)
	e := d.rw.Epoch() % uint16(len(d.epochs))
	d.epochs[e], d.levels[e] = s, d.level
	d.behind, d.behindSince, d.opening = p.ext, n.now, p.ts
}

// pump catches up with a stream.
func (n *node) pump(d *down) {
	for d.behind != 0 {
		if int(d.behind) > len(d.layer.packets) {
			d.behind = 0
			return
		}
		p := &d.layer.packets[d.behind-1]
		if full := n.flow.Full(); !n.flow.Pass(n.now) && !(full && p.ts == d.opening) {
			if full {
				d.behindSince = n.now
			}
			if n.now-d.behindSince > time.Second {
				n.overflow(d)
			}
			n.tick = min(n.tick, n.now+soonTick)
			return
		}
		d.behind++
		d.opened = d.opened || n.flow.Full() && p.ts == d.opening
		n.put(d, d.layer, p)
	}
}

func (n *node) overflow(d *down) {
	n.overflows++
	n.flow.Remove(func(q queued) bool { return q.down == d })
	d.behind, d.layer, d.level = 0, nil, -1
	n.choose = 0
	n.tick = min(n.tick, n.now+soonTick)
}

func (n *node) put(d *down, s *stream, p *packet) {
	out, ok := d.rw.Packet(p.ext, p.ts, n.now)
	if !ok {
		return
	}
	n.flow.Video(p.size+headers, p.size)
	n.send(n.media(d, d.level, p, seq.Ext(out.Index)), p.size+headers)
}

func (n *node) media(d *down, level int, p *packet, index seq.Ext) sent {
	return sent{slot: d.slot, ext: index, frame: frameFacts{key: p.key, first: p.first, last: p.last, level: level, at: p.captured}}
}

// answer repeats a packet.
func (n *node) answer(d *down, lost uint16) int {
	o, ok := d.rw.Lookup(lost)
	if !ok {
		return 0
	}
	e := o.Epoch % uint16(len(d.epochs))
	s := d.epochs[e]
	if s == nil || int(o.Ext) > len(s.packets) || len(s.packets)-int(o.Ext) > 512 {
		return 0
	}
	p := &s.packets[o.Ext-1]
	n.send(n.media(d, d.levels[e], p, seq.Ext(o.Out.Index)), p.size+headers+2)
	return p.size + headers
}

// take what the viewer sent.
func (n *node) take(b back) {
	switch {
	case b.feedback != nil:
		before := n.flow.Estimator().Estimate(n.now)
		if err := n.flow.Feedback(b.feedback, n.rtt, n.now); err != nil {
			panic(err) // our own recorder wrote it
		}
		if n.flow.Estimator().Estimate(n.now) < before*9/10 {
			n.choose = 0
			n.tick = min(n.tick, n.now+soonTick)
		}
	case b.pli:
		if d := n.downs[b.slot]; d.layer != nil {
			d.layer.ask(n.now)
			d.want, d.wants = d.layer, d.level
		}
	default:
		d := n.downs[b.slot]
		for _, lost := range b.nacks {
			if !d.dedupe.Allow(lost, n.rtt, n.now) {
				continue
			}
			n.overdue(d, lost)
			if !n.flow.Repair(padding) {
				n.shared++
				continue
			}
			copies := 1
			if n.flow.Twice() {
				copies = d.dedupe.Copies(lost)
			}
			done := 0
			if n.flow.Pass(n.now) {
				n.answer(d, lost)
				done++
			}
			for ; done < copies; done++ {
				if done > 0 && !n.flow.Repair(padding) {
					break
				}
				if n.flow.Push(pacer.Repair, queued{down: d, lost: lost}, padding, n.now) == pacer.Queued {
					n.tick = min(n.tick, n.now+soonTick)
				}
			}
		}
	}
}

// overdue asks for a key frame where a packet has been asked for in vain for long.
func (n *node) overdue(d *down, lost uint16) {
	o, ok := d.rw.Lookup(lost)
	if !ok || !n.flow.Twice() || d.layer == nil || d.epochs[o.Epoch%uint16(len(d.epochs))] != d.layer {
		return
	}
	if at := d.layer.packets[o.Ext-1].at; n.now-at >= max(400*time.Millisecond, 8*n.rtt) && d.layer.keyAt < at {
		d.layer.ask(n.now)
	}
}

// step does what is due.
func (n *node) step(now time.Duration) {
	n.now = now
	if now >= n.audioAt {
		n.audioAt += audioEvery
		n.flow.Audio(audioSize)
		n.send(sent{slot: -1, audio: n.audio}, audioSize)
		n.audio++
	}
	if now < n.tick {
		return
	}
	n.tick = now + tickEvery
	if now >= n.choose {
		n.choose = now + 100*time.Millisecond
		n.policy.choose(n)
	}
	for _, d := range n.downs {
		if d.want != nil && now-d.askedAt >= keyGap {
			d.askedAt = now
			d.want.ask(now)
		}
		if d.behind != 0 {
			n.pump(d)
		}
	}
	full := n.flow.Full()
	if n.flow.Tick(now) {
		n.tick = now + soonTick
	}
	if full && !n.flow.Full() {
		n.choose = 0
	}
	for {
		q, ok := n.flow.Pop(now)
		if !ok {
			break
		}
		if q.stream == nil {
			n.answer(q.down, q.lost)
		} else if q.stream == q.down.layer {
			n.put(q.down, q.stream, &q.stream.packets[q.ext-1])
		}
	}
	for range 200 {
		missing := n.flow.Estimator().Padding(now, soonTick)
		if missing == 0 || !n.pad(missing) {
			break
		}
	}
}

// pad sends something for a probe.
func (n *node) pad(missing int) bool {
	for i := range n.downs {
		d := n.downs[(n.padNext+i)%len(n.downs)]
		last, ok := d.rw.Last()
		if c, _ := n.flow.Estimator().Cluster(); !ok || missing < 224 || c.Small {
			continue
		}
		for range 4 {
			d.padded = d.padded%64 + 1
			if n.answer(d, last.Seq()-d.padded+1) > 0 {
				n.padNext = (n.padNext + i) % len(n.downs)
				return true
			}
		}
	}
	n.send(sent{pad: true}, min(max(missing-40, 1), 224)+headers)
	return true
}
