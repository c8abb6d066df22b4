package sfu

import (
	"net/netip"
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/allot"
	"incamera/media/codec"
	"incamera/media/layer"
	"incamera/media/nack"
	"incamera/media/report"
	"incamera/media/rtp"
	"incamera/media/send"
	"incamera/media/seq"
	"incamera/media/twcc"
	"incamera/media/uplink"
	"incamera/sfu/dtlskey"
	"incamera/sfu/offer"
	"incamera/sfu/srtp"
	"incamera/sfu/udp"
)

const (
	silence      = 8 * time.Second       // without any packet a transport is lost
	setupLimit   = 20 * time.Second      // from admission to connected
	lostLimit    = 60 * time.Second      // a lost transport is closed
	replaceGrace = time.Second           // the old transport of a move lives on for
	firefoxHold  = 80 * time.Millisecond // Firefox drops what comes right after DTLS, then waits for a key frame
	defaultRTT   = 60 * time.Millisecond
	rtcpSSRC     = 1 // the node's own, as sender of feedback
	twccPart     = 1000
)

// state of a transport.
type state uint8

const (
	stateConnecting state = iota
	stateConnected
	stateLost
	stateClosed
)

var stateNames = [...]string{"connecting", "connected", "lost", "closed"}

func (s state) String() string { return stateNames[s] }

// payloadType is what one payload type means on a peer's transport.
type payloadType struct {
	codec   codec.Kind
	primary uint8 // set on a retransmission type: what it repairs; on a redundant type: what its blocks are
}

// Peer is one transport of one participant. What is not static belongs to the shard's loop.
type Peer struct {
	// What each packet and each look touches is together. shard, subscribe and admitted are static.
	shard      *Shard
	out        *srtp.Out
	dest       *udp.Dest          // over UDP
	link       *link              // over TCP: one of links
	flow       *send.Flow[queued] // nil: nothing is sent to it, or not yet
	work       []work
	state      state
	ready      bool
	subscribe  bool
	place      int // among the shard's peers, from 1; 0: not there
	twccOut    uint16
	ids        rtp.ExtIDs
	ptOf       [codec.AV1 + 1]uint8 // payload type of a codec in the slots, 0: not offered
	rtxOf      [codec.AV1 + 1]uint8
	redPT      uint8 // payload type of redundant sound in the slots, 0: not offered
	lastPacket time.Duration
	lastDirect time.Duration // when the last authentic packet came over UDP
	replacedAt time.Duration // not 0: a newer placement is connected
	lostAt     time.Duration
	readyAt    time.Duration // when slots may be filled
	admitted   time.Duration
	division   division
	roam       roam

	// static
	signal      *Signal
	room        *Room
	ref         *noderpc.TransportRef
	number      uint32
	player      bool          // it may publish nothing
	opaque      bool          // only the people in its room read its frames
	carried     layer.Bitrate // what its way carried for another node a moment ago, 0: unknown
	firefox     bool
	instance    string // owned by the loop: Attach changes it
	outbox      *noderpc.Outbox
	heardAt     time.Duration // when its first check came, 0: not yet
	connectedAt time.Duration
	loose       bool          // the engine's DTLS has ended
	farewellAt  time.Duration // when a farewell came that is not believed yet, 0: none did
	anew        bool          // it came back from where nothing reached it
	origin      *bridge       // of a mirror: the way to the shard that the transport is on
	mirrors     []mirror      // on other shards
	ice         *iceName
	picked      netip.AddrPort // by the engine, under this name
	former      *iceName       // from before an ICE restart
	formerUntil time.Duration
	engineHeard time.Duration // when the engine last got a check

	// receive side
	in      *srtp.In
	pts     [128]payloadType
	exts    [8]uint8 // header extension ids by offer.Ext
	streams map[uint32]*stream
	sources [5]*Source // by kind
	addrs   []remote
	told    netip.Addr // where signaling knows the client to be
	checks  checks
	marks   [marksPerPeer]uint32 // SSRCs that were authentic
	marked  int

	challenger *challenger
	early      []earlyPacket
	arrived    *twcc.Recorder // nil: it sent nothing that is told of
	uplink     uplink.Watch
	held       bool // its pictures wait until its line has no queue, and it was told so
	clocks     report.ClockMap

	// send side
	links     []*link
	via       *link    // the TCP connection of the packet in hand, nil: it came over UDP
	relays    []string // its credentials at the node's own relay, oldest first
	downs     []*Down  // by slot
	audio     []*Down
	video     []*Down
	asksAudio bool // it asks again for sound that was lost
	rtt       time.Duration
	answers   nack.RoundTrip // to its own streams' requests
	autoList  []*Down        // scratch
	padNext   int
	watchAt   time.Duration
	tellLink  time.Duration // when the estimate is told next
	watched   watched
	nextRR    time.Duration
	wished    bool
	reported  []slotReport // what was last told, by slot
	slotDirty bool
}

// work is one layer with fresh packets for one slot.
type work struct {
	down  *Down
	layer *Layer
}

type earlyPacket struct {
	src netip.AddrPort
	pkt []byte
}

// peerPlan is what a peer is made from; it is put together outside of the loop.
type peerPlan struct {
	ref       *noderpc.TransportRef
	number    uint32
	subscribe bool
	player    bool
	opaque    bool
	carried   layer.Bitrate
	granted   [5]bool
	on        [5]bool
	instance  string
	offer     *offer.Offer
	signal    *Signal
	slots     []slotTrack
	ice       *iceName
	relayUser string
}

// init fills a new peer in; it was made before, so that the engine's news find it.
func (p *Peer) init(s *Shard, room *Room, plan *peerPlan) error {
	*p = Peer{
		shard: s, signal: plan.signal, room: room, ref: plan.ref, number: plan.number,
		subscribe: plan.subscribe, player: plan.player, opaque: plan.opaque, carried: plan.carried, firefox: plan.offer.Mozilla, admitted: s.now, lastPacket: s.now,
		instance: plan.instance, outbox: s.node.Outbox(plan.instance),
		streams: map[uint32]*stream{}, rtt: defaultRTT,
	}
	for pt := range plan.offer.ByPT {
		f := &plan.offer.ByPT[pt]
		if f.Codec != offer.None {
			p.pts[pt].codec = codec.Kind(f.Codec)
		}
		if primary := plan.offer.RTXOf[pt]; primary != 0 {
			p.pts[pt].primary = primary
		}
		if primary := plan.offer.REDOf[pt]; primary != 0 {
			p.pts[pt] = payloadType{codec: codec.Kind(plan.offer.ByPT[primary].Codec), primary: primary}
		}
	}
	copy(p.exts[:], plan.offer.Exts[:])
	p.ids = rtp.ExtIDs{
		TransportCC: p.exts[offer.ExtTransportCC],
		AudioLevel:  p.exts[offer.ExtAudioLevel],
		Orientation: p.exts[offer.ExtOrientation],
	}
	var seen [2]int
	for i := range plan.offer.Sections {
		section := &plan.offer.Sections[i]
		if section.Send {
			kind := sectionKind(section.Video, seen[b2i(section.Video)])
			seen[b2i(section.Video)]++
			p.addSource(kind, section, plan.granted[kind], plan.on[kind])
		}
	}
	p.slotCodecs(plan.offer)
	p.slotDependency(plan.offer)
	if err := p.addSlots(plan.slots); err != nil {
		return err
	}
	p.named(plan.ice)
	p.challenger = newChallenger(plan.offer, plan.ice.ufrag)
	p.relayUser(plan.relayUser)
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sectionKind is the contract of the offer's shape: first audio microphone, second screen audio, first video camera,
// second screen.
func sectionKind(video bool, nth int) noderpc.Kind {
	switch {
	case video && nth == 0:
		return noderpc.Kind_KIND_CAMERA
	case video:
		return noderpc.Kind_KIND_SCREEN
	case nth == 0:
		return noderpc.Kind_KIND_MIC
	}
	return noderpc.Kind_KIND_SCREEN_AUDIO
}

// slotCodecs notes what the receiver can decode: what every slot of the kind offered.
func (p *Peer) slotCodecs(o *offer.Offer) {
	first := [2]bool{true, true}
	for i := range o.Sections {
		section := &o.Sections[i]
		if section.Send {
			continue
		}
		if !section.Video {
			p.slotSound(section, first[0])
		}
		var has [codec.AV1 + 1]bool
		for _, f := range section.Formats {
			k := codec.Kind(f.Codec)
			has[k] = true
			if first[b2i(section.Video)] {
				p.ptOf[k], p.rtxOf[k] = f.PT, f.RTX
			}
		}
		first[b2i(section.Video)] = false
		for k := range has {
			if !has[k] && codec.Kind(k).Video() == section.Video {
				p.ptOf[k], p.rtxOf[k] = 0, 0
			}
		}
	}
}

// slotDependency notes whether the receiver takes dependency descriptors: it may offer them for sending only.
func (p *Peer) slotDependency(o *offer.Offer) {
	p.ids.Dependency = p.exts[offer.ExtDependency]
	for i := range o.Sections {
		if s := &o.Sections[i]; !s.Send && s.Video && s.Exts[offer.ExtDependency] == 0 {
			p.ids.Dependency = 0
		}
	}
}

func (p *Peer) addSlots(slots []slotTrack) error {
	for i := len(p.downs); i < len(slots); i++ {
		d, err := newDown(p, i, &slots[i])
		if err != nil {
			return err
		}
		p.downs = append(p.downs, d)
		if d.video {
			p.video = append(p.video, d)
			p.division.shares = append(p.division.shares, allot.Slot{})
		} else {
			p.audio = append(p.audio, d)
		}
		p.reported = append(p.reported, slotReport{})
	}
	return nil
}

// setKeys makes the SRTP contexts. The keys are wiped by the caller.
func (p *Peer) setKeys(keys *dtlskey.Keys) error {
	in, err := srtp.NewIn(keys.Profile, keys.RemoteKey, keys.RemoteSalt, srtp.InOptions{})
	if err != nil {
		return err
	}
	out, err := srtp.NewOut(keys.Profile, keys.LocalKey, keys.LocalSalt)
	if err != nil {
		return err
	}
	p.in, p.out = in, out
	for _, d := range p.downs {
		if err := d.bind(out); err != nil {
			return err
		}
	}
	return nil
}

// connected is told by the engine once the remote certificate was checked.
func (s *Shard) connected(p *Peer, keys dtlskey.Keys) {
	defer keys.Wipe()
	if p.state == stateClosed || p.in != nil {
		return
	}
	if err := p.setKeys(&keys); err != nil {
		s.log.Error("SRTP keys refused", "error", err)
		s.closePeer(p, "srtp", true)
		return
	}
	s.node.metrics.profile.WithLabelValues(keys.Profile.String()).Inc()
	p.state, p.connectedAt, p.lastPacket = stateConnected, s.now, s.now
	p.readyAt = s.now
	if p.firefox {
		p.readyAt += firefoxHold
	}
	if len(p.audio)+len(p.video) > 0 {
		p.nextRR = s.now
	}
	p.soon()
	p.tell()
	p.reflect()
	p.room.connected(p)
	early := p.early
	p.early = nil
	for i := range early {
		s.mediaOf(p, early[i].src, early[i].pkt)
	}
	p.becomeReady()
}

func (p *Peer) becomeReady() {
	if p.ready || p.state != stateConnected || p.shard.now < p.readyAt {
		return
	}
	p.ready = true
	p.openFlow()
	p.room.assign(p)
}

// lost says that the transport carries nothing any more; it may come back.
func (s *Shard) lost(p *Peer, reason string) {
	if p.state != stateConnected && p.state != stateConnecting {
		return
	}
	p.state, p.lostAt = stateLost, s.now
	p.tellState(reason)
	p.reflect()
	p.room.changed()
}

func (s *Shard) revived(p *Peer) {
	p.state = stateConnected
	p.tell()
	p.reflect()
	p.room.changed()
}

// closePeer ends a transport: its sources leave the slots at once.
func (s *Shard) closePeer(p *Peer, reason string, tell bool) {
	if p.state == stateClosed {
		return
	}
	p.state = stateClosed
	p.named(nil)
	for len(p.addrs) > 0 {
		p.forget(p.addrs[0].addr)
	}
	s.strays.forget(p)
	for len(p.links) > 0 {
		s.unlink(p.links[0])
	}
	p.endRelays()
	s.strike(p)
	s.counts.transports.Add(-1)
	p.room.remove(p)
	p.in, p.out, p.dest, p.roam = nil, nil, nil, roam{}
	p.streams, p.early = nil, nil
	s.node.metrics.closed.WithLabelValues(closeCause(reason)).Inc()
	if tell {
		p.tellState(reason)
	}
	s.node.forget(p)
}

// closeCause bounds the label.
func closeCause(reason string) string {
	switch reason {
	case "replaced", "silence", "setup", "srtp", "node_closed", "drained":
		return reason
	}
	return "command"
}

// newCounter starts an RTX stream at a random place in the lower half, so that its rollover count is never guessed wrong.
func newCounter(r uint16) seq.Counter { return seq.NewCounter(r & 0x7fff) }
