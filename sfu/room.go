package sfu

import (
	"slices"
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/ring"
	"incamera/media/speaker"
)

const (
	speakersEvery = 100 * time.Millisecond
	speakingFor   = 400 * time.Millisecond // since the last speech packet
	speechLevel   = 50                     // -dBov
)

// Room is what the transports of one meeting share. Owned by its shard's loop.
type Room struct {
	// static
	id    string
	shard *Shard

	peers   []*Peer
	placed  map[string][]*Peer // by participant: more than one while somebody moves
	mirrors []*Peer            // of those who are on other shards and publish
	remotes []*bridge          // to the shards with other parts of the room
	sources map[uint32]*Source // the ones in force, by source id
	order   []*Source          // video sources by when they appeared
	loud    *speaker.Selector  // the voices everybody hears
	wider   *speaker.Selector  // one more, for those who are among them
	dirty   bool               // slots must be assigned anew
	orderNo uint64             // version of the speaking order that slots were assigned by

	voices      map[uint32]*voice
	nextSpeak   time.Duration
	lastSpoken  []*noderpc.Speaker
	ids, auto   []uint32 // scratch
	placesVideo []uint32
}

type voice struct {
	level    uint8
	spokenAt time.Duration
}

func newRoom(s *Shard, id string) (*Room, error) {
	slots := s.node.opts.AudioSlots
	loud, err := speaker.New(speaker.Options{Slots: slots})
	if err != nil {
		return nil, err
	}
	wider, err := speaker.New(speaker.Options{Slots: slots + 1})
	if err != nil {
		return nil, err
	}
	return &Room{
		id: id, shard: s, placed: map[string][]*Peer{}, sources: map[uint32]*Source{}, loud: loud, wider: wider, voices: map[uint32]*voice{},
	}, nil
}

// connected ends the reign of older placements of the same participant. For the others a newcomer changes nothing yet.
func (r *Room) connected(p *Peer) {
	for _, other := range r.placed[p.ref.Participant] {
		if other != p && other.replacedAt == 0 {
			other.replacedAt = r.shard.now
			r.changed()
		}
	}
}

// sourceAppeared puts a source in force when its first packet came: also over the same source of an older placement.
func (r *Room) sourceAppeared(src *Source) {
	old := r.sources[src.id]
	if old == src {
		r.changed()
		return
	}
	if old != nil && old.peer.ref.Placement > src.peer.ref.Placement && old.peer.state != stateClosed {
		return
	}
	r.sources[src.id] = src
	if isVideo(src.kind) {
		replaced := false
		for i, o := range r.order {
			if o.id == src.id {
				r.order[i], replaced = src, true
			}
		}
		if !replaced { // by when they appeared: on each shard alike
			i := len(r.order)
			for i > 0 && r.order[i-1].appeared > src.appeared {
				i--
			}
			r.order = slices.Insert(r.order, i, src)
		}
	}
	r.changed()
}

// sourceGone takes a source out of every slot now.
func (r *Room) sourceGone(src *Source) {
	seen := src.seen
	for _, l := range src.layers {
		for len(l.downs) > 0 {
			d := l.downs[len(l.downs)-1]
			if d.want == l {
				d.stopWanting()
			}
			if d.layer == l {
				d.cut()
			}
			l.detach(d)
		}
	}
	if r.sources[src.id] == src && !isVideo(src.kind) {
		r.loud.Remove(src.id)
		r.wider.Remove(src.id)
		delete(r.voices, src.id)
	}
	if src.seen = false; seen {
		r.changed()
	}
}

// withdraw takes all that somebody publishes out of the room. False: that was nothing.
func (r *Room) withdraw(p *Peer) (any bool) {
	for _, src := range p.sources {
		if src == nil {
			continue
		}
		any = any || src.seen
		r.sourceGone(src)
		if r.sources[src.id] == src {
			delete(r.sources, src.id)
			for i, o := range r.order {
				if o == src {
					r.order = append(r.order[:i], r.order[i+1:]...)
					break
				}
			}
		}
	}
	return any
}

// add takes a transport into the room.
func (r *Room) add(p *Peer) {
	r.peers = append(r.peers, p)
	r.placed[p.ref.Participant] = append(r.placed[p.ref.Participant], p)
}

func except(list []*Peer, p *Peer) []*Peer {
	if i := slices.Index(list, p); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// remove takes a transport out of the room.
func (r *Room) remove(p *Peer) {
	p.unmirror()
	published := r.withdraw(p)
	for _, d := range p.downs {
		d.stopWanting()
		d.cut()
		d.ask(point{})
		d.target = nil
	}
	r.peers = except(r.peers, p)
	if left := except(r.placed[p.ref.Participant], p); len(left) > 0 {
		r.placed[p.ref.Participant] = left
	} else {
		delete(r.placed, p.ref.Participant)
	}
	if len(r.peers) == 0 {
		delete(r.shard.rooms, r.id)
		r.farewell()
		return
	}
	if published { // what is gone is gone from the slots before the next packet
		r.assignAll()
	}
}

// changed asks for a new assignment of slots, once per tick.
func (r *Room) changed() {
	r.dirty = true
	r.shard.roomsBy(r.shard.now)
}

// voice takes the level of an audio packet. Who takes an audio slot with it is heard from this very packet on.
func (r *Room) voice(src *Source, slot *ring.Slot) {
	if r.sources[src.id] != src {
		return
	}
	now := r.shard.now
	level, active := slot.Level, slot.Voice
	if !slot.HasLevel {
		level, active = src.activity.Packet(src.ownSize(slot))
	}
	_, took := r.loud.Packet(src.id, level, active, now)
	_, also := r.wider.Packet(src.id, level, active, now)
	if took || also {
		for _, p := range r.peers {
			r.assignAudio(p)
		}
	}
	v := r.voices[src.id]
	if v == nil {
		v = &voice{level: 127}
		r.voices[src.id] = v
	}
	if level < speechLevel {
		v.level, v.spokenAt = level, now
	}
	if _, version := r.loud.Order(); version != r.orderNo {
		r.shard.roomsBy(now)
	}
}

// tick does what waits for it: assignment, speakers, layer choice.
func (r *Room) tick() {
	now := r.shard.now
	if _, version := r.loud.Order(); version != r.orderNo {
		r.orderNo, r.dirty = version, true
	}
	if r.dirty {
		r.assignAll()
	}
	if now >= r.nextSpeak {
		r.nextSpeak = now + speakersEvery
		r.speakers()
	}
}

// speakers tells who is heard now, when that changed.
func (r *Room) speakers() {
	now := r.shard.now
	changed := false
	n := 0
	for i := range r.shard.node.opts.AudioSlots {
		id := r.loud.Slot(i)
		v := r.voices[id]
		if id == 0 || v == nil || v.spokenAt == 0 || now-v.spokenAt > speakingFor ||
			noderpc.Kind(id%8) != noderpc.Kind_KIND_MIC {
			continue
		}
		level := uint32(v.level) / 6 * 6 // a bucket: not every decibel is news
		if n >= len(r.lastSpoken) || r.lastSpoken[n].Number != id/8 || r.lastSpoken[n].Level != level {
			changed = true
			next := &noderpc.Speaker{Number: id / 8, Level: level}
			if n < len(r.lastSpoken) {
				// The old one may be in an event that is not yet sent.
				r.lastSpoken[n] = next
			} else {
				r.lastSpoken = append(r.lastSpoken, next)
			}
		}
		n++
	}
	if n < len(r.lastSpoken) {
		r.lastSpoken, changed = r.lastSpoken[:n], true
	}
	if changed {
		news := speakersEvent(r.lastSpoken)
		for _, p := range r.peers {
			p.tellSpeakers(news)
		}
	}
}
