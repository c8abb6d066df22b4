package sfu

import (
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/bwe"
	"incamera/media/layer"
	"incamera/media/pacer"
	"incamera/media/ring"
	"incamera/media/rtcp"
	"incamera/media/rtp"
	"incamera/media/send"
	"incamera/media/seq"
)

const (
	repairSize  = 1000                   // what a retransmission is taken for before it is looked up
	padMost     = 224                    // bytes of padding in one packet, as browsers send
	padBack     = 64                     // packets that a probe may repeat
	padPerTick  = 200                    // packets of padding between two ticks
	catchUp     = time.Second            // a replay that takes longer shows the past
	watchEvery  = time.Second            // samples of the histograms
	steepFall   = 10                     // percent: an estimate that falls by more is acted upon at once
	anewAfter   = 300 * time.Millisecond // without feedback before a move
	moveCaution = 80                     // percent of an older transport's estimate that the next one starts with
	afarCaution = 70                     // percent, when the older one is on another node: another way, and an older estimate
	carriedMost = 20_000_000             // bits per second: beyond all pictures of a page
	linkEvery   = 10 * time.Second       // between two reports of what the way carries
)

// queued names a packet that waits for its turn: one of a layer's ring, or a retransmission that was asked for.
type queued struct {
	down   *Down
	layer  *Layer // nil: the retransmission of lost
	ext    seq.Ext
	gen    uint32
	lost   uint16
	queued time.Duration
}

// openFlow begins the bookkeeping of what is sent.
func (p *Peer) openFlow() {
	if len(p.downs) == 0 || p.flow != nil {
		return
	}
	start := afar(p.carried, p.shard.node.opts.StartBitrate)
	for _, other := range p.room.placed[p.ref.Participant] {
		if other != p && other.flow != nil {
			start = other.flow.Estimator().Estimate(p.shard.now) * moveCaution / 100
		}
	}
	if p.ids.TransportCC == 0 { // nothing better than its losses will be told
		start = max(start, bwe.Blind)
	}
	p.flow = send.New[queued](bwe.Options{Start: start})
}

// afar is what a transport starts with when its participant comes from another node, where the way carried that much: some
// of it, but no less than who comes from nowhere, unless the way was narrower than that.
func afar(carried, start layer.Bitrate) layer.Bitrate {
	if carried == 0 {
		return start
	}
	return max(min(carried, carriedMost)*afarCaution/100, min(carried, start))
}

// otherPath says that the peer is reached in another way: what was seen of the old one means nothing any more. What was
// sent into the void meanwhile is more than can be sent again, so pictures begin anew.
func (p *Peer) otherPath() {
	if p.flow == nil {
		return
	}
	now := p.shard.now
	p.anew = p.anew || p.flow.Silent(now) >= anewAfter
	p.flow.Estimator().Moved(now)
	p.redivide()
}

// beginAnew shows every picture from a key frame on.
func (p *Peer) beginAnew() {
	p.anew = false
	for _, d := range p.video {
		d.replay.on = false
		d.pictureLost()
	}
}

// budget is what may be sent to the peer as video now; 0: nothing is known that would limit it.
func (p *Peer) budget() layer.Bitrate {
	if p.flow == nil {
		return 0
	}
	return p.flow.Budget(p.shard.now)
}

// sent counts a packet that went out, whose number was twccOut.
func (p *Peer) sent(size int) {
	if p.flow != nil {
		if p.ids.TransportCC != 0 {
			p.flow.Sent(p.twccOut, size, p.shard.now)
		} else {
			p.flow.Debit(size+send.Datagram, p.shard.now)
		}
	}
	p.twccOut++
	p.shard.out.packets++
	p.shard.out.bytes += uint64(size)
}

// pace sends a packet of video now when its turn is now, and lets it wait otherwise. Audio never waits.
func (d *Down) pace(l *Layer, slot *ring.Slot) {
	p := d.peer
	if opens := d.opens(slot); opens || !d.video || p.flow == nil || p.flow.Pass(p.shard.now) {
		d.opened = d.opened || opens
		d.put(l, slot)
		return
	}
	s := p.shard
	size := int(slot.PayloadLen) + 64
	if d.idle(slot) {
		size = 0 // it keeps its place among the others, and will not be sent
	}
	q := queued{down: d, layer: l, ext: slot.Ext, gen: slot.Gen, queued: s.now}
	if out := p.flow.Push(pacer.Video, q, size, s.now); out != pacer.Queued {
		d.overflow(out)
		return
	}
	p.by(s.now + urgentTick)
}

// opens says that a packet belongs to the picture that a layer begins with, and need not wait for a full path.
func (d *Down) opens(slot *ring.Slot) bool {
	return d.video && slot != nil && slot.TS == d.replay.first && d.peer.flow != nil && d.peer.flow.Full()
}

// overflow gives up what waits for this slot: it would come too late to be of use. A layer that fits is chosen anew.
func (d *Down) overflow(why pacer.Outcome) {
	p := d.peer
	reason := dropPacedSlow
	if why == pacer.Full {
		reason = dropPacedFull
	}
	n := p.flow.Remove(func(q queued) bool { return q.down == d })
	p.shard.counts.drops[reason].Add(uint64(n) + 1)
	d.replay.on = false
	d.cut()
	p.redivide()
}

// drain sends what waited, and the padding of a probe. True: more waits.
func (p *Peer) drain() bool {
	f, s := p.flow, p.shard
	if f == nil {
		return false
	}
	full := f.Full()
	soon := f.Tick(s.now)
	if full && !f.Full() {
		p.redivide() // what waited for it begins anew
	}
	for {
		q, ok := f.Pop(s.now)
		if !ok {
			break
		}
		p.goes(&q)
	}
	for range padPerTick {
		n := f.Estimator().Padding(s.now, urgentTick)
		if n == 0 || p.ids.TransportCC == 0 || !p.pad(n) {
			break
		}
	}
	if s.now >= p.watchAt {
		p.watchAt = s.now + watchEvery
		p.watch()
	}
	return soon
}

// goes sends a packet whose turn has come, if it is still wanted.
func (p *Peer) goes(q *queued) {
	s, d := p.shard, q.down
	if q.layer == nil {
		if d.answer(q.lost) {
			s.counts.nackAnswered.Add(1)
		} else {
			s.counts.nackMissed.Add(1)
		}
		return
	}
	if q.layer != d.layer || q.layer.ring == nil {
		return // the slot has moved on
	}
	s.counts.paced.add(s.now - q.queued)
	if slot := q.layer.ring.Get(q.ext); slot != nil && slot.Gen == q.gen {
		d.put(q.layer, slot)
	}
}

// repairLater answers a NACK within the share of the link that repairs may take.
func (d *Down) repairLater(lost uint16) {
	p := d.peer
	s := p.shard
	if p.flow == nil {
		return
	}
	q := queued{down: d, lost: lost, queued: s.now}
	if !d.video { // sound never waits, and is small
		p.goes(&q)
		return
	}
	if !p.flow.Repair(repairSize) {
		s.drop(dropRepairShare)
		return
	}
	copies := 1
	if p.flow.Twice() {
		copies = d.dedupe.Copies(lost)
	}
	done := 0
	if p.flow.Pass(s.now) {
		p.goes(&q)
		done++
	}
	for ; done < copies; done++ {
		if done > 0 && !p.flow.Repair(repairSize) {
			return
		}
		if p.flow.Push(pacer.Repair, q, repairSize, s.now) != pacer.Queued {
			s.drop(dropPacedFull)
			return
		}
		p.by(s.now + urgentTick)
	}
}

// pad sends one packet that carries nothing new: the receiver has it or has lost it, and ignores what it has.
func (p *Peer) pad(n int) bool {
	probe, _ := p.flow.Estimator().Cluster()
	for i := range p.video {
		d := p.video[(p.padNext+i)%len(p.video)]
		if d.repairs == nil || !d.begun || n < padMost || probe.Small {
			continue
		}
		last, ok := d.rw.Last()
		if !ok {
			continue
		}
		for range 4 {
			d.padded = d.padded%padBack + 1
			if d.answer(last.Seq() - d.padded + 1) {
				p.padNext = (p.padNext + i) % len(p.video)
				return true
			}
		}
	}
	for _, d := range p.video {
		if d.repairs != nil && d.empty(min(max(n-40, 1), padMost)) {
			return true
		}
	}
	return false
}

// empty sends a retransmission of nothing: padding alone (RFC 3550 section 5.1, RFC 4588 leaves it to us).
func (d *Down) empty(n int) bool {
	p := d.peer
	s := p.shard
	var pt uint8
	for _, pt = range p.rtxOf {
		if pt != 0 {
			break
		}
	}
	if pt == 0 {
		return false
	}
	payload := s.scratch.build[:n]
	clear(payload)
	payload[n-1] = byte(n)
	index := d.repairNo.Next()
	h := &s.scratch.out
	*h = rtp.Out{PT: pt, Padding: true, Seq: uint16(index), SSRC: d.rtx, TransportCC: p.twccOut}
	if last, ok := d.rw.Last(); ok {
		h.TS = last.TS
	}
	head := rtp.Put(s.scratch.head[:], h, &p.ids)
	if head == 0 {
		return false
	}
	buf := p.buffer(head + n + p.out.Overhead())
	if buf == nil {
		return false
	}
	copy(buf, s.scratch.head[:head])
	if _, err := d.repairs.Seal(buf, head, payload, uint32(index>>16), uint16(index)); err != nil {
		p.unbuffer()
		return false
	}
	p.sent(len(buf))
	return true
}

// arrivals takes transport-wide feedback.
func (p *Peer) arrivals(r *rtcp.Reader) {
	if p.flow == nil {
		return
	}
	before := p.flow.Estimator().Estimate(p.shard.now)
	if p.flow.Feedback(r.Bytes(), p.rtt, p.shard.now) != nil {
		p.shard.drop(dropRTCP)
		return
	}
	if p.flow.Estimator().Estimate(p.shard.now) < before*(100-steepFall)/100 {
		p.redivide()
	}
}

// aspire tells the estimator what would be sent if there were no limit.
func (p *Peer) aspire() {
	if p.flow == nil {
		return
	}
	// A picture that had to pause comes back only when there is half as much again.
	p.flow.Want(p.division.wants * 3 / 2)
	p.flow.Floor(p.division.least)
}

// watch takes samples for the metrics, and tells what the way carries now and then.
func (p *Peer) watch() {
	e, now := p.flow.Estimator(), p.shard.now
	if now >= p.tellLink && p.state == stateConnected && e.Known(now) {
		p.tellLink = now + linkEvery
		p.emit(&noderpc.Event{Ref: p.ref, Event: &noderpc.Event_Link{Link: &noderpc.Link{Bps: uint64(e.Estimate(now))}}})
	}
	m := p.shard.node.metrics
	m.estimate.Observe(float64(e.Estimate(p.shard.now)))
	m.queue.Observe(p.flow.Delay(p.shard.now).Seconds())
	m.path.Observe(e.Queue().Seconds())
	c := &p.shard.counts
	c.overuses.Add(e.Overuses() - p.watched.overuses)
	p.watched.overuses = e.Overuses()
	results := e.ProbeResults()
	for i := range results {
		c.probes[i].Add(results[i] - p.watched.probes[i])
	}
	p.watched.probes = results
}

// watched is what the metrics were told of a flow.
type watched struct {
	overuses uint64
	probes   [bwe.NumProbeResults]uint64
}
