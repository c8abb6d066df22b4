package sfu

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"incamera/cluster/noderpc"
	"incamera/media/rtcp"
	"incamera/sfu/dtlskey"
)

// pair is one room on two shards without loops: the test is both.
type pair struct {
	a, b *direct
}

func newPair(t testing.TB) *pair {
	t.Helper()
	a := newDirect(t)
	n := a.n
	s, err := newShard(n, 1, netip.AddrPortFrom(a.s.socket.LocalAddr().Addr(), 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.socket.Close()
		s.engine.close()
	})
	n.shards = append(n.shards, s)
	n.bridge()
	e := &roomEntry{peers: map[string][]*Peer{}, seats: map[string]seat{}}
	e.came(a.s)
	e.came(s)
	n.rooms["r"] = e
	return &pair{a: a, b: &direct{t: t, s: s, n: n, peers: 100}}
}

// settle lets everything that was handed over arrive.
func (p *pair) settle() {
	for range 6 {
		for _, d := range []*direct{p.a, p.b} {
			d.s.publish()
			d.s.takeHanded()
			d.s.batch.Flush()
		}
	}
}

// at moves both clocks.
func (p *pair) at(now time.Duration) {
	p.a.at(now)
	p.b.at(now)
	p.settle()
}

// image is what b sees of the first publisher of a.
func (p *pair) image() *Peer { return p.b.s.rooms["r"].mirrors[0] }

// run lets pictures come, key pictures when the node asks for one, and both shards' time go on.
func (p *pair) run(pub, viewer *party, pictures int, key bool) {
	for i := range pictures {
		l := pub.sources[camera].layers[0]
		p.a.pass(pub, pub.video(p.a.t, key && i == 0 || l.pliAt != 0 && l.pliAt > l.lastKey, 500))
		pub.lastPacket, viewer.lastPacket = p.a.s.now, p.b.s.now
		p.at(p.a.s.now + 20*time.Millisecond)
	}
}

// leave ends a party's transport.
func (d *direct) leave(p *party) {
	d.t.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		d.t.Fatal(err)
	}
	p.signal = &Signal{pc: pc, tap: dtlskey.New()}
	d.s.closePeer(p.Peer, "left", false)
	d.n.wg.Wait()
}

func TestAnotherShardGetsOnlyWhatSomebodyThereWatches(t *testing.T) {
	p := newPair(t)
	pub, viewer := p.a.join(true, 1), p.b.join(false, 1)
	viewer.video0().wish = wish{nobody: true}
	p.at(time.Second)
	p.run(pub, viewer, 10, true)
	l := p.image().sources[camera].layers[0]
	if l.ring != nil || !l.source.seen || !l.source.set.Alive(0, p.b.s.now) {
		t.Fatalf("ring %v, seen %v", l.ring, l.source.seen)
	}
	viewer.video0().wish = wish{width: 640, height: 360}
	viewer.room.assign(viewer.Peer)
	asked := pub.sources[camera].layers[0].pliAt
	p.run(pub, viewer, 5, false)
	if got := viewer.shown(); got != 0 {
		t.Fatalf("shows %d", got)
	}
	if l.ring == nil || pub.sources[camera].layers[0].pliAt != asked {
		t.Error("a key frame was asked for, though one was at hand")
	}
	viewer.video0().wish = wish{nobody: true}
	viewer.room.assign(viewer.Peer)
	p.run(pub, viewer, int((wantedFor+time.Second)/(20*time.Millisecond)), false)
	if l.ring != nil {
		t.Error("the memory of a layer that nobody watches is kept")
	}
}

func TestARequestForAKeyFrameCrossesToThePublishersShard(t *testing.T) {
	p := newPair(t)
	pub, viewer := p.a.join(true, 1), p.b.join(false, 1)
	p.at(time.Second)
	p.run(pub, viewer, 10, true)
	if viewer.shown() != 0 {
		t.Fatal("nothing is shown")
	}
	pub.received(t)
	p.at(p.a.s.now + 2*time.Second)
	viewer.video0().pictureLost()
	p.at(p.a.s.now + 10*time.Millisecond)
	p.at(p.a.s.now + 10*time.Millisecond)
	if _, feedback := pub.received(t); count(feedback, rtcp.PLI) == 0 {
		t.Fatalf("the publisher is not asked: %v", feedback)
	}
}

func TestAShardThatIsBehindLosesPacketsByNameAndRecovers(t *testing.T) {
	p := newPair(t)
	pub, viewer := p.a.join(true, 1), p.b.join(false, 1)
	p.at(time.Second)
	p.run(pub, viewer, 10, true)
	lost := p.a.s.counts.drops[dropHandover].Load()
	for range handoverPlaces { // b does not look
		p.a.pass(pub, pub.video(t, false, 100))
		pub.lastPacket = p.a.s.now
	}
	if p.a.s.counts.drops[dropHandover].Load() == lost {
		t.Fatal("nothing is counted")
	}
	if p.a.s.counts.drops[dropHandoverCmd].Load() != 0 {
		t.Fatal("packets took the places of commands")
	}
	p.settle()
	viewer.received(t)
	p.run(pub, viewer, 60, true)
	if media, _ := viewer.received(t); len(media) < 40 {
		t.Fatalf("%d packets after it caught up", len(media))
	}
}

func TestAfterALostCommandEverythingIsToldAgain(t *testing.T) {
	p := newPair(t)
	pub, viewer := p.a.join(true, 1), p.b.join(false, 1)
	p.at(time.Second)
	p.run(pub, viewer, 10, true)
	over := p.a.s.bridges[1]
	for over.command(func() {}) {
	}
	if err := pub.setSource(camera, false); err != nil { // the news of this finds no room
		t.Fatal(err)
	}
	newcomer := p.a.join(true, 1)
	if p.a.s.counts.drops[dropHandoverCmd].Load() == 0 {
		t.Fatal("no command was lost")
	}
	p.settle()
	p.at(p.a.s.now + 20*time.Millisecond)
	if n := len(p.b.s.rooms["r"].mirrors); n != 2 {
		t.Fatalf("%d publishers are known", n)
	}
	for _, m := range p.b.s.rooms["r"].mirrors {
		if m.number == pub.number && m.sources[camera].on {
			t.Error("a source that is off is thought to be on")
		}
	}
	p.a.pass(newcomer, newcomer.video(t, true, 500))
	p.settle()
	p.at(p.a.s.now + 20*time.Millisecond)
	if target := viewer.video0().target; target == nil || target.peer.number != newcomer.number {
		t.Error("the newcomer is not seen")
	}
}

func TestAPartThatEndsIsForgottenAndMayBeginAgain(t *testing.T) {
	p := newPair(t)
	pub, viewer := p.a.join(true, 1), p.b.join(false, 1)
	p.at(time.Second)
	p.run(pub, viewer, 10, true)
	p.b.leave(viewer)
	p.settle()
	l := pub.sources[camera].layers[0]
	if len(p.b.s.rooms) != 0 || len(pub.mirrors)+len(l.mirrors)+len(pub.room.remotes) != 0 || l.away != 0 || l.watched() {
		t.Fatalf("rooms %d, mirrors %d %d, remotes %d, away %d", len(p.b.s.rooms), len(pub.mirrors), len(l.mirrors), len(pub.room.remotes), l.away)
	}
	again := p.b.join(false, 1)
	p.run(pub, again, 20, true)
	if again.shown() != 0 {
		t.Fatal("nothing is shown in the new part")
	}
	p.a.leave(pub)
	p.settle()
	if n := len(p.b.s.rooms["r"].mirrors); n != 0 || again.video0().target != nil {
		t.Fatalf("%d publishers who left, target %v", n, again.video0().target)
	}
}

func TestANewPartKnowsWhoSpoke(t *testing.T) {
	p := newPair(t)
	pub := p.a.join(true, 1)
	p.a.at(time.Second)
	for n := range 50 {
		p.a.s.now += 20 * time.Millisecond
		p.a.pass(pub, pub.sound(t, n, opusPT, 20, spoken(n)))
	}
	p.b.s.now = p.a.s.now
	p.b.join(false, 1)
	p.settle()
	ids, _ := p.b.s.rooms["r"].loud.Order()
	if len(ids) != 1 || ids[0] != source(pub.number, mic) {
		t.Fatalf("speakers %v", ids)
	}
}

func TestAStreamThatBeginsAnewDoesSoOnEveryShard(t *testing.T) {
	p := newPair(t)
	pub, viewer := p.a.join(true, 1), p.b.join(false, 1)
	p.at(time.Second)
	p.run(pub, viewer, 10, true)
	pub.addStream(4711, pub.sources[camera].layers[0], false)
	if l := pub.sources[camera].layers[0]; l.ssrc != 4711 {
		t.Fatal("not begun anew")
	}
	pub.addStream(77000+pub.number, pub.sources[camera].layers[0], false) // and back, so that the test's packets are of it
	pub.seq += 20_000
	p.run(pub, viewer, 80, true)
	if viewer.shown() != 0 {
		t.Fatal("nothing is shown of the new stream")
	}
	if got := p.image().sources[camera].layers[0].ssrc; got != 77000+pub.number {
		t.Errorf("the image is of %d", got)
	}
}

func TestARoomGrowsToAnotherShardWhenItsOwnIsFullOrBusy(t *testing.T) {
	n := &Node{opts: Options{RoomPart: 2, MaxRooms: 100, MaxParticipants: 100, RefuseLoad: 1001}, rooms: map[string]*roomEntry{}}
	for i := range 3 {
		n.shards = append(n.shards, &Shard{index: i})
	}
	enter := func(room, who string) *Shard {
		s, err := n.enter(noderpc.Grant{Room: room, Participant: who, Placement: 1})
		if err != nil {
			// The limits are of no interest here.
			t.Fatal(err)
		}
		return s
	}
	first := enter("r", "a")
	if enter("r", "b") != first {
		t.Error("a small room is spread")
	}
	second := enter("r", "c")
	if second == first {
		t.Error("a full part takes more")
	}
	if enter("r", "a") != first {
		t.Error("another transport of a participant is on another shard")
	}
	other := enter("x", "d")
	if other == first || other == second {
		t.Error("a new room is not on the shard with the fewest people")
	}
	other.load.permill.Store(800)
	if s := enter("x", "e"); s == other {
		t.Error("a busy shard takes more")
	}
	for i := range 20 {
		enter("r", fmt.Sprint("more", i))
	}
	if got := len(n.rooms["r"].parts); got != 2 {
		t.Errorf("%d parts: a busy shard is taken in", got)
	}
}

func TestHandingOverAPacketAllocatesNothing(t *testing.T) {
	p := newPair(t)
	pub := p.a.join(true, 1)
	for range 3 {
		p.b.join(false, 1)
	}
	p.at(time.Second)
	const batch, runs = 8, 40
	var packets [][]byte
	for i := range batch * (runs + 20) {
		packets = append(packets, pub.video(t, i == 0, 1000))
	}
	step := func() {
		for range batch {
			p.a.s.demux(pub.addr, packets[0])
			packets = packets[1:]
		}
		p.a.s.forwardFresh()
		p.a.s.batch.Flush()
		p.b.s.takeHanded()
		p.b.s.batch.Flush()
	}
	for range 10 {
		step()
		p.at(p.a.s.now + 10*time.Millisecond)
	}
	out := p.b.s.counts.packetsOut.Load()
	if n := testing.AllocsPerRun(runs, step); n != 0 {
		t.Errorf("%.1f allocations per batch", n)
	}
	p.b.s.addTallies()
	if sent := p.b.s.counts.packetsOut.Load() - out; sent < batch*runs*3 {
		t.Errorf("only %d packets went out", sent)
	}
}

// What a packet costs on its way to another shard where nobody is served by it: both halves of the way.
func BenchmarkHandOver(b *testing.B) {
	for _, wanted := range []bool{true, false} {
		b.Run(fmt.Sprintf("watched=%v", wanted), func(b *testing.B) {
			p := newPair(b)
			pub, viewer := p.a.join(true, 1), p.b.join(false, 1)
			p.at(time.Second)
			p.run(pub, viewer, 10, true)
			l := pub.sources[camera].layers[0]
			m := &l.mirrors[0]
			m.wanted = wanted
			image := p.image().sources[camera].layers[0]
			image.downs = nil
			slot := l.ring.Get(l.ring.Highest())
			slot.Facts.KeyStart = false
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += 8 {
				for range 8 {
					slot.Ext++
					slot.PayloadLen, slot.HeaderLen = 1100, 0
					m.over.packet(l, m, slot, false)
				}
				p.a.s.publish()
				p.b.s.takeHanded()
			}
		})
	}
}

func TestAKeyFrameIsMadeForANewcomerOnAnotherShardWhileTheHandshakeRuns(t *testing.T) {
	p := newPair(t)
	pub := p.a.join(true, 1)
	p.b.admit(false, 1) // so that the part is there
	p.at(time.Second)
	p.a.pass(pub, pub.video(t, true, 100))
	for range 100 { // nobody watches; the key frame grows too old to begin with
		p.a.pass(pub, pub.video(t, false, 1000))
		pub.lastPacket = p.a.s.now
		p.at(p.a.s.now + 50*time.Millisecond)
	}
	before := p.a.s.counts.pliSent.Load()
	viewer := p.b.admit(false, 1)
	for range 4 {
		p.at(p.a.s.now + tickEvery)
	}
	if n := p.a.s.counts.pliSent.Load() - before; n != 1 {
		t.Fatalf("%d key frames were asked for at the admission", n)
	}
	p.at(p.a.s.now + 250*time.Millisecond)
	p.a.pass(pub, pub.video(t, true, 100))
	p.settle()
	viewer.connect(t)
	p.at(p.a.s.now + tickEvery)
	if media, _ := viewer.received(t); len(media) == 0 {
		t.Fatal("the picture does not begin with what is at hand")
	}
	if n := p.a.s.counts.pliSent.Load() - before; n != 1 {
		t.Fatalf("%d key frames were asked for in all", n)
	}
}
