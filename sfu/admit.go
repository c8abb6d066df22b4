package sfu

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/layer"
	"incamera/sfu/dtlskey"
	"incamera/sfu/offer"
)

func refuse(code noderpc.Code, format string, args ...any) error {
	return &noderpc.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Admit implements noderpc.Handler: it opens a transport. A higher placement of the same participant lives beside the
// old transport until it is connected; a lower one is refused.
func (n *Node) Admit(ctx context.Context, g noderpc.Grant, r *noderpc.AdmitRequest) (*noderpc.AdmitResponse, error) {
	resp, err := n.admit(ctx, g, r)
	result := "ok"
	if err != nil {
		if result = string(noderpc.CodeOf(err)); result == "" {
			result = string(noderpc.CodeInternal)
			n.log.Error("admission failed", "error", err)
			err = refuse(noderpc.CodeInternal, "the transport could not be set up")
		}
	}
	n.metrics.admits.WithLabelValues(result).Inc()
	return resp, err
}

func (n *Node) admit(ctx context.Context, g noderpc.Grant, r *noderpc.AdmitRequest) (*noderpc.AdmitResponse, error) {
	if g.Room == "" || g.Participant == "" || g.Number == 0 || g.Number > 1<<28 {
		return nil, refuse(noderpc.CodeForbidden, "the grant names no seat")
	}
	player := len(g.Publish) == 0
	o, err := n.parse(r.GetOffer(), player)
	if err != nil {
		return nil, err
	}
	if g.E2EE {
		o.Plain() // nobody on the way could take redundant packets apart
	}
	if err := n.slotLimit(o, n.opts.AudioSlots, n.opts.VideoSlots); err != nil {
		return nil, err
	}
	shard, err := n.enter(g)
	if err != nil {
		return nil, err
	}
	resp, err := n.open(ctx, shard, g, r, o)
	n.mu.Lock()
	if e := n.rooms[g.Room]; e != nil {
		e.pending--
		e.left(shard)
		n.dropEmpty(g.Room, e)
	}
	n.mu.Unlock()
	return resp, err
}

func (n *Node) parse(sdp string, player bool) (*offer.Offer, error) {
	if len(sdp) > offer.MaxBytes {
		return nil, refuse(noderpc.CodeTooLarge, "the offer is larger than %d bytes", offer.MaxBytes)
	}
	read := offer.Parse
	if player {
		read = offer.ParsePlayer
	}
	o, err := read(sdp, n.codecs)
	if err != nil {
		var bad *offer.Error
		if errors.As(err, &bad) {
			return nil, refuse(noderpc.CodeBadOffer, "%s", bad.Reason)
		}
		return nil, err
	}
	return o, nil
}

func (n *Node) slotLimit(o *offer.Offer, audio, video int) error {
	var have [2]int
	for _, i := range o.Slots() {
		have[b2i(o.Sections[i].Video)]++
	}
	if have[0] > audio || have[1] > video {
		return refuse(noderpc.CodeBadOffer, "more than %d audio or %d video slots", audio, video)
	}
	return nil
}

// enter finds the room's shard, checks limits and the placement, and reserves the place.
func (n *Node) enter(g noderpc.Grant) (*Shard, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.rooms[g.Room]
	if err := n.full(e); err != nil {
		return nil, err
	}
	if e == nil {
		e = &roomEntry{peers: map[string][]*Peer{}, seats: map[string]seat{}}
	}
	if g.Placement < e.seats[g.Participant].placement {
		return nil, refuse(noderpc.CodeStalePlacement, "a newer placement of this participant exists")
	}
	n.rooms[g.Room] = e
	shard := n.pick(e, g.Participant)
	e.seats[g.Participant] = seat{placement: g.Placement, shard: shard}
	e.pending++
	e.came(shard)
	return shard, nil
}

// open makes the transport's two halves and puts them into the shard.
func (n *Node) open(ctx context.Context, s *Shard, g noderpc.Grant, r *noderpc.AdmitRequest, o *offer.Offer,
) (*noderpc.AdmitResponse, error) {
	plan := &peerPlan{
		ref:    &noderpc.TransportRef{Room: g.Room, Participant: g.Participant, Placement: g.Placement},
		number: g.Number, subscribe: g.Subscribe, instance: r.GetInstance(), offer: o,
	}
	for _, k := range g.Publish {
		if k > 0 && int(k) < len(plan.granted) {
			plan.granted[k] = true
		}
	}
	for _, k := range r.GetOn() {
		if k > 0 && int(k) < len(plan.on) {
			plan.on[k] = true
		}
	}
	// Hard mutes can be lifted, so they are no lack of the grant: the source is off until signaling switches it on.
	for _, k := range r.GetHardMuted() {
		if k > 0 && int(k) < len(plan.on) {
			plan.on[k] = false
		}
	}
	p := new(Peer)
	signal, err := s.engine.newSignal(o, time.Now(), s.observer(p))
	if err != nil {
		return nil, err
	}
	answer, err := signal.answer(ctx, o)
	if err != nil {
		n.wg.Go(signal.close)
		s.countPanic(err)
		n.log.Warn("offer refused by the engine", "error", err)
		return nil, refuse(noderpc.CodeBadOffer, "the offer cannot be answered")
	}
	plan.signal, plan.ice = signal, newICEName(answer)
	plan.player, plan.opaque = len(g.Publish) == 0, g.E2EE
	plan.carried = layer.Bitrate(min(r.GetLinkBps(), carriedMost))
	for _, t := range signal.slots {
		plan.slots = append(plan.slots, *t)
	}
	var servers []*noderpc.IceServer
	servers, plan.relayUser = n.iceServers(time.Now())
	made := make(chan error, 1)
	if err := s.call(ctx, func() { made <- s.admit(p, plan) }); err != nil {
		// It may still be admitted later: the command that follows it takes it out again.
		s.do(func() {
			if p.shard != nil {
				s.closePeer(p, "setup", false)
			}
		})
		n.forgetRelay(plan.relayUser)
		n.wg.Go(signal.close)
		return nil, err
	}
	if err := <-made; err != nil {
		n.forgetRelay(plan.relayUser)
		n.wg.Go(signal.close)
		return nil, err
	}
	return &noderpc.AdmitResponse{Answer: answer, Slots: slotList(plan.slots), IceServers: servers}, nil
}

func (s *Shard) countPanic(err error) {
	if errors.Is(err, errPanic) {
		s.counts.enginePanics.Add(1)
	}
}

func slotList(tracks []slotTrack) []*noderpc.Slot {
	slots := make([]*noderpc.Slot, 0, len(tracks))
	for i, t := range tracks {
		slots = append(slots, &noderpc.Slot{Slot: uint32(i), Mid: t.mid, Video: t.video})
	}
	return slots
}

// observer carries the engine's news into the loop.
func (s *Shard) observer(p *Peer) signalObserver {
	return signalObserver{
		pair: func(addr netip.AddrPort, tcp bool) {
			s.do(func() {
				if tcp {
					s.selectedLink(p, addr)
				} else {
					s.selected(p, addr)
				}
			})
		},
		connected: func(keys dtlskey.Keys) { s.do(func() { s.connected(p, keys) }) },
		failed: func(reason string) {
			s.do(func() {
				if p.shard != nil {
					s.lost(p, reason)
				}
			})
		},
	}
}

// admit puts a transport into its room. Runs in the loop.
func (s *Shard) admit(p *Peer, plan *peerPlan) error {
	room := s.rooms[plan.ref.Room]
	if room == nil {
		var err error
		if room, err = newRoom(s, plan.ref.Room); err != nil {
			return err
		}
	}
	mine := room.placed[plan.ref.Participant] // all of one participant are on one shard
	for _, other := range mine {
		if other.ref.Placement > plan.ref.Placement {
			return refuse(noderpc.CodeStalePlacement, "a newer placement of this participant exists")
		}
	}
	for _, other := range slices.Clone(mine) {
		if other.ref.Placement == plan.ref.Placement { // a repeated request: the first transport will not be used
			s.closePeer(other, "replaced", false)
		}
	}
	if err := p.init(s, room, plan); err != nil {
		return err
	}
	fresh := s.rooms[plan.ref.Room] == nil
	s.rooms[plan.ref.Room] = room
	room.add(p)
	s.enlist(p)
	s.counts.transports.Add(1)
	s.node.remember(p)
	if fresh {
		room.greet()
	}
	room.mirrorAll(p)
	room.foresee(p)
	p.tell()
	return nil
}

func (n *Node) remember(p *Peer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.rooms[p.ref.Room]; e != nil {
		e.peers[p.ref.Participant] = append(e.peers[p.ref.Participant], p)
		e.came(p.shard)
		n.peers++
	}
}

// lookup finds the transport of a reference.
func (n *Node) lookup(ref *noderpc.TransportRef) (*Peer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.rooms[ref.GetRoom()]; e != nil {
		for _, p := range e.peers[ref.GetParticipant()] {
			if p.ref.Placement == ref.GetPlacement() {
				return p, nil
			}
		}
		if ref.GetPlacement() < e.seats[ref.GetParticipant()].placement {
			return nil, refuse(noderpc.CodeStalePlacement, "a newer placement of this participant exists")
		}
	}
	return nil, refuse(noderpc.CodeNotFound, "no such transport here")
}

// Renegotiate implements noderpc.Handler: it appends slots, or restarts ICE, on a living transport.
func (n *Node) Renegotiate(ctx context.Context, r *noderpc.RenegotiateRequest) (*noderpc.AdmitResponse, error) {
	p, err := n.lookup(r.GetRef())
	if err != nil {
		return nil, err
	}
	o, err := n.parse(r.GetOffer(), p.player)
	if err != nil {
		return nil, err
	}
	if p.opaque {
		o.Plain()
	}
	if err := n.slotLimit(o, maxAudioSlots, maxVideoSlots); err != nil {
		return nil, err
	}
	s := p.shard
	answer, slots, err := p.signal.again(ctx, o)
	if err != nil {
		s.countPanic(err)
		n.log.Warn("new offer refused", "error", err)
		return nil, refuse(noderpc.CodeBadOffer, "the new offer does not fit the transport")
	}
	servers, user := n.iceServers(time.Now())
	var added error
	err = s.call(ctx, func() {
		if p.state == stateClosed {
			added = refuse(noderpc.CodeNotFound, "the transport is closed")
			return
		}
		// After an ICE restart the answer has new names, and the engine knows the old ones no more. What is sent goes
		// on to the last address that was proven, until the client proves another one.
		if name := newICEName(answer); name.ufrag != p.ice.ufrag {
			p.named(name)
			p.challenger = newChallenger(o, name.ufrag)
		}
		p.relayUser(user)
		if added = p.addSlots(slots); added == nil {
			p.room.assign(p)
		}
	})
	if err = errors.Join(err, added); err != nil {
		n.forgetRelay(user)
		return nil, err
	}
	return &noderpc.AdmitResponse{Answer: answer, Slots: slotList(slots), IceServers: servers}, nil
}

// Command implements noderpc.Handler.
func (n *Node) Command(ctx context.Context, r *noderpc.CommandRequest) error {
	p, err := n.lookup(r.GetRef())
	if err != nil {
		return err
	}
	var result error
	err = p.shard.call(ctx, func() {
		result = p.command(r)
		p.shard.publish()
	})
	if r.GetClose() != nil || r.GetSetSource() != nil && !r.GetSetSource().GetOn() {
		// What is off, or gone, is so on every shard when this returns.
		for _, s := range n.others(p.ref.Room, p.shard) {
			err = errors.Join(err, s.call(ctx, s.takeHanded))
		}
	}
	return errors.Join(err, result)
}

func (p *Peer) command(r *noderpc.CommandRequest) error {
	if p.state == stateClosed {
		return refuse(noderpc.CodeNotFound, "the transport is closed")
	}
	switch c := r.GetCommand().(type) {
	case *noderpc.CommandRequest_SetSource:
		return p.setSource(c.SetSource.GetKind(), c.SetSource.GetOn())
	case *noderpc.CommandRequest_SetWishes:
		p.setWishes(c.SetWishes.GetWishes())
	case *noderpc.CommandRequest_Close:
		p.shard.closePeer(p, c.Close.GetReason(), true)
	case *noderpc.CommandRequest_Attach:
		p.instance = c.Attach.GetInstance()
		p.outbox = p.shard.node.Outbox(p.instance)
		p.resync()
	default:
		return refuse(noderpc.CodeForbidden, "unknown command")
	}
	return nil
}

// setSource switches the forwarding of a source; off holds from the next packet on.
func (p *Peer) setSource(kind noderpc.Kind, on bool) error {
	if kind <= 0 || int(kind) >= len(p.sources) {
		return refuse(noderpc.CodeForbidden, "unknown kind")
	}
	src := p.sources[kind]
	if src == nil || !src.granted {
		if on {
			return refuse(noderpc.CodeForbidden, "this source may not be published")
		}
		return nil
	}
	if src.on == on {
		return nil
	}
	if src.on = on; !on {
		p.room.sourceGone(src)
		p.room.assignAll()
	} else if kind == noderpc.Kind_KIND_MIC {
		p.uplink.Anew() // its clock stood still
	}
	p.reflect()
	return nil
}
