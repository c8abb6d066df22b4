package sfu

import (
	"strings"
	"testing"
	"time"

	"incamera/cluster/noderpc"
)

// busy lets a shard measure a load for some seconds.
func (d *direct) busy(permill uint32, seconds int) {
	for range seconds {
		d.s.now += time.Second
		d.s.weigh(permill)
	}
}

func TestABusyShardShedsPicturesStepByStepAndNeverSound(t *testing.T) {
	d := newDirect(t)
	pub := d.simulcast()
	viewer := d.join(false, 2)
	viewer.size(1280, 720)
	viewer.Peer.video[1].wish.nobody = true
	watch := func(span time.Duration) { pub.run(d, span, []*party{viewer}, nil) }
	watch(3 * time.Second)
	if viewer.shown() != 2 {
		t.Fatalf("layer %d before", viewer.shown())
	}
	d.busy(950, 1)
	watch(time.Second)
	if viewer.shown() != 2 || d.s.counts.shedLayers.Load() != 0 {
		t.Fatal("one busy second sheds something")
	}
	for i, want := range []struct {
		layer  int
		paused string
	}{{1, ""}, {0, ""}, {-1, pausedOverload}, {-1, pausedOverload}} {
		d.busy(950, 1)
		watch(time.Second)
		if viewer.shown() != want.layer || viewer.video0().paused != want.paused {
			t.Fatalf("step %d: layer %d, paused %q", i+1, viewer.shown(), viewer.video0().paused)
		}
	}
	if n := d.s.counts.shedLayers.Load(); n == 0 {
		t.Error("what was shed is not counted")
	}
	n := len(heardBy(t, d, pub.party, viewer))
	if n == 0 {
		t.Error("sound is shed too")
	}
	d.busy(800, 20)
	if d.s.overload.level != shedPictures {
		t.Error("comes back though there is no room for it")
	}
	d.busy(500, 30)
	watch(4 * time.Second)
	if d.s.overload.level != shedNothing || viewer.shown() != 2 {
		t.Errorf("step %d, layer %d after half a minute of calm", d.s.overload.level, viewer.shown())
	}
}

// heardBy sends some sound and gives what a listener got of it.
func heardBy(t *testing.T, d *direct, pub, listener *party) (got []came) {
	t.Helper()
	_, _ = listener.take(t)
	for n := range 20 {
		d.s.now += 20 * time.Millisecond
		d.pass(pub, pub.sound(t, n, opusPT, 20, spoken(n)))
	}
	all, _ := listener.take(t)
	for _, c := range all {
		if c.pt == opusPT {
			got = append(got, c)
		}
	}
	return got
}

func TestWhoWasChosenOrSpeaksIsSeenLongest(t *testing.T) {
	d := newDirect(t)
	pub := d.simulcast()
	viewer := d.join(false, 1)
	viewer.video0().wish = wish{source: source(pub.number, camera), width: 1280, height: 720}
	viewer.room.assign(viewer.Peer)
	pub.run(d, 3*time.Second, []*party{viewer}, nil)
	d.s.overload.level = shedOthers
	pub.run(d, 2*time.Second, []*party{viewer}, nil)
	if viewer.shown() != 0 {
		t.Errorf("layer %d of somebody who was pinned", viewer.shown())
	}
}

func TestANodeRefusesNewRoomsAtItsLimitsAndSaysWhich(t *testing.T) {
	n := newDirect(t).n
	n.opts.MaxRooms, n.opts.MaxParticipants = 1, 10
	enter := func(room string) error {
		_, err := n.enter(noderpc.Grant{Room: room, Participant: room, Placement: 1})
		return err
	}
	refused := func(what, why string) {
		t.Helper()
		err := enter(what)
		if noderpc.CodeOf(err) != noderpc.CodeOverloaded || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %q", err, why)
		}
	}
	n.shards[0].load.permill.Store(900)
	refused("a", "too busy")
	n.shards[0].load.permill.Store(800)
	if err := enter("a"); err != nil {
		t.Fatal(err)
	}
	refused("b", "no more rooms")
	n.opts.MaxRooms = 5
	n.shards[0].load.permill.Store(990)
	if err := enter("a"); err != nil {
		t.Errorf("people of a room that is there are refused for the load: %v", err)
	}
	n.peers = 10
	refused("a", "full")
}

func TestOneBusyShardIsNoFullNode(t *testing.T) {
	n := &Node{shards: []*Shard{{}, {}, {}, {}}}
	n.shards[2].load.permill.Store(1000)
	if got := n.Filled(); got != 0.25 {
		t.Errorf("filled to %v", got)
	}
	if got := n.Load(); got != 1 {
		t.Errorf("the busiest shard at %v", got)
	}
}
