package sfu

import (
	"math/bits"
	"net/netip"
	"time"

	"incamera/cluster/noderpc"
)

// tell reports the transport's state.
func (p *Peer) tell() { p.tellState("") }

func (p *Peer) tellState(reason string) {
	p.emit(&noderpc.Event{Ref: p.ref, Event: &noderpc.Event_Transport{
		Transport: &noderpc.TransportState{State: p.state.String(), Reason: reason},
	}})
}

// emit hands an event to the instance that owns the transport. A full outbox asks for everything again later.
func (p *Peer) emit(ev *noderpc.Event) { p.outbox.Put(ev) }

// speakersEvent is the news of who speaks, one for everybody in the room. Nobody changes it any more.
func speakersEvent(speakers []*noderpc.Speaker) *noderpc.Event_Speakers {
	return &noderpc.Event_Speakers{Speakers: &noderpc.Speakers{Speakers: append([]*noderpc.Speaker(nil), speakers...)}}
}

func (p *Peer) tellSpeakers(news *noderpc.Event_Speakers) {
	if p.state == stateConnected && p.subscribe {
		p.emit(&noderpc.Event{Ref: p.ref, Event: news})
	}
}

// tellSlots reports the slots that changed since the last report, or all of them.
func (p *Peer) tellSlots(all bool) {
	p.slotDirty = false
	var states []*noderpc.SlotState
	for i, d := range p.downs {
		r := d.report()
		if r == p.reported[i] && !all {
			continue
		}
		p.reported[i] = r
		state := &noderpc.SlotState{Slot: uint32(i), SourceId: r.source, Paused: r.paused, Layer: r.layer}
		if r.source != 0 && d.layer != nil {
			state.SyncTimeMs, state.SyncRtp = d.sync()
		}
		states = append(states, state)
	}
	if len(states) > 0 {
		p.emit(&noderpc.Event{Ref: p.ref, Event: &noderpc.Event_Occupancy{Occupancy: &noderpc.Occupancy{Slots: states}}})
	}
}

// report is what is worth telling of a slot: who is forwarded, or who would be and why not.
func (d *Down) report() slotReport {
	if d.layer != nil {
		return slotReport{source: d.source, layer: d.shows(), epoch: d.sourceEpoch()}
	}
	// Who comes next in an empty slot is told before the first packet, so that the page has a player ready for it.
	if d.target != nil {
		return slotReport{source: d.target.id, paused: d.paused}
	}
	return slotReport{}
}

// sourceEpoch makes each switch news, since the clocks of source and slot are related anew.
func (d *Down) sourceEpoch() uint16 { return d.rw.Epoch() }

// sync relates the server's clock to the slot's timestamps now.
func (d *Down) sync() (ms int64, ts uint32) {
	s := d.peer.shard
	l := d.layer
	at, ok := l.srcClock.At(&l.source.peer.clocks, s.now)
	if !ok {
		return 0, 0
	}
	return s.start.Add(s.now).UnixMilli(), at + d.rw.TSOffset()
}

// tellHints says which layers of a source somebody watches; none while the publisher's line is full.
func (p *Peer) tellHints(src *Source, mask uint8) {
	hints := &noderpc.PublishHints{Kind: src.kind}
	if len(src.rids) == 0 {
		hints.Layers = append(hints.Layers, &noderpc.LayerHint{Active: !p.held, Spatial: uint32(bits.Len8(mask))})
	}
	for i, rid := range src.rids {
		hints.Layers = append(hints.Layers, &noderpc.LayerHint{Rid: rid, Active: !p.held && mask&(1<<i) != 0})
	}
	p.emit(&noderpc.Event{Ref: p.ref, Event: &noderpc.Event_PublishHints{PublishHints: hints}})
}

// tellPath reports where the client is once that is proven, if it is elsewhere than was told. A NAT that changes only the
// port is no news.
func (p *Peer) tellPath() {
	at := p.client()
	if !at.IsValid() || at == p.told {
		return
	}
	p.told = at
	p.emit(&noderpc.Event{Ref: p.ref, Event: &noderpc.Event_Path{Path: &noderpc.Path{Address: at.String()}}})
}

// resync tells everything again: an outbox overflowed, or another instance took the transport over.
func (p *Peer) resync() {
	p.tell()
	p.told = netip.Addr{}
	p.tellPath()
	p.tellSlots(true)
	for _, src := range p.sources {
		if src != nil && src.hinted() {
			mask, _ := src.hints.Wanted(p.shard.now)
			p.tellHints(src, mask)
		}
	}
	p.tellSpeakers(speakersEvent(p.room.lastSpoken))
}

// resyncEvery is the least time between telling everything again.
const resyncEvery = 100 * time.Millisecond

// resyncInstance tells everything of the transports that report to an instance.
func (s *Shard) resyncInstance(box *noderpc.Outbox) {
	for _, p := range s.peers {
		if p.outbox == box {
			p.resync()
		}
	}
}
