package sfu

import (
	"testing"
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/layer"
)

func TestAViewersLinkDecidesWhatIsShown(t *testing.T) {
	d := newDirect(t)
	pub := d.simulcast()
	viewer := d.join(false, 1)
	all := []*party{viewer}
	viewer.size(1280, 720)
	for _, step := range []struct {
		name string
		most layer.Bitrate
		span time.Duration
		want int
		why  string
	}{
		{"no limit is known", 0, time.Second, 2, ""},
		{"it carries the middle size, which was off", 800_000, 7 * time.Second, 1, ""},
		{"it carries the lowest", 250_000, time.Second, 0, ""},
		{"it carries sound only", 50_000, time.Second, -1, pausedBandwidth},
		{"still", 140_000, 10 * time.Second, -1, pausedBandwidth},
		{"it is clearly better", 300_000, 5 * time.Second, 0, ""},
		{"it is as good as ever", 10_000_000, 3 * time.Second, 2, ""},
	} {
		viewer.link(step.most)
		pub.run(d, step.span, all, nil)
		if got := viewer.shown(); got != step.want || viewer.video0().paused != step.why {
			t.Errorf("%s: layer %d, paused %q", step.name, got, viewer.video0().paused)
		}
	}
}

func TestLayersThatNobodyCanReceiveAreSwitchedOffAndOnAgain(t *testing.T) {
	d := newDirect(t)
	pub := d.simulcast()
	slow, fast := d.join(false, 1), d.join(false, 1)
	all := []*party{slow, fast}
	slow.link(800_000)
	fast.link(20_000_000)
	slow.size(1280, 720)
	fast.size(1280, 720)
	sends := func(what string, h, f bool) {
		t.Helper()
		if pub.sizes[0].off || pub.sizes[1].off == h || pub.sizes[2].off == f {
			t.Errorf("%s: off are %v %v %v", what, pub.sizes[0].off, pub.sizes[1].off, pub.sizes[2].off)
		}
	}
	pub.run(d, 6*time.Second, all, pub.obey)
	sends("one viewer has a fast link", true, true)
	fast.link(900_000)
	pub.run(d, 6*time.Second, all, pub.obey)
	sends("nobody can receive the largest", true, false)
	slow.link(200_000)
	fast.link(200_000)
	pub.run(d, 6*time.Second, all, pub.obey)
	sends("nobody can receive more than the lowest", false, false)
	fast.link(4_000_000)
	pub.run(d, 2*time.Second, all, pub.obey)
	sends("somebody's link has grown: the largest, and what is between is for nobody", false, true)
	if fast.shown() != 2 || slow.shown() != 0 {
		t.Errorf("layers %d and %d are shown", fast.shown(), slow.shown())
	}
	fast.size(300, 170)
	pub.run(d, 6*time.Second, all, pub.obey)
	sends("nobody wants more than the lowest", false, false)
}

// sent is what went out to everybody, in bits.
func (d *direct) sent() uint64 { return 8 * (d.s.counts.bytesOut.Load() + d.s.out.bytes) }

func TestALinkThatShrinksIsNotFilledWhileAKeyFrameIsAwaited(t *testing.T) {
	d := newDirect(t)
	pub := d.simulcast()
	viewer := d.join(false, 1)
	all := []*party{viewer}
	viewer.size(1280, 720)
	viewer.link(4_000_000)
	pub.run(d, 8*time.Second, all, nil)
	if viewer.shown() != 2 {
		t.Fatalf("layer %d", viewer.shown())
	}
	pub.delay = 300 * time.Millisecond
	viewer.link(300_000)
	before := d.sent()
	pub.run(d, 250*time.Millisecond, all, nil)
	if got := d.sent() - before; got > 150_000 {
		t.Errorf("%d bits into a link of 300 kbit/s in a quarter of a second", got)
	}
	pub.run(d, 300*time.Millisecond, all, nil)
	if viewer.shown() != 0 {
		t.Errorf("layer %d after the key frame", viewer.shown())
	}
}

func TestOnALinkThatShrinksALittleThePictureMovesOn(t *testing.T) {
	d := newDirect(t)
	pub := d.simulcast()
	viewer := d.join(false, 1)
	all := []*party{viewer}
	viewer.size(1280, 720)
	viewer.link(4_000_000)
	pub.run(d, 15*time.Second, all, nil)
	pub.delay = 300 * time.Millisecond
	viewer.link(2_000_000)
	frozen := time.Duration(0)
	pub.run(d, 3*time.Second, all, func() {
		if viewer.shown() < 0 {
			frozen += testStep
		}
	})
	if frozen > 0 || viewer.shown() != 1 {
		t.Errorf("stopped for %v, then layer %d", frozen, viewer.shown())
	}
}

func TestTheBestThatIsAtHandIsShownUntilTheWantedLayerComes(t *testing.T) {
	d := newDirect(t)
	pub := d.simulcast()
	pub.sizes[2].off = true
	first := d.join(false, 1)
	all := []*party{first}
	first.size(1280, 720)
	pub.run(d, 100*time.Millisecond, all, nil)
	if first.shown() < 0 {
		t.Fatal("nothing is shown")
	}
	pub.run(d, time.Second, all, nil)
	if first.shown() != 1 {
		t.Fatalf("layer %d while the largest is off", first.shown())
	}
	pub.sizes[2].off = false
	pub.run(d, 300*time.Millisecond, all, nil)
	if first.shown() != 2 {
		t.Fatalf("layer %d when it is on", first.shown())
	}
}

func TestThePauseAndItsEndAreTold(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2})
	alice.stream(alice.camera, alice.senders[1], 25) // 240 kbit/s
	alice.speak(20)
	bob.wish(&noderpc.Wish{Slot: 3, SourceId: source(1, camera), Width: 640, Height: 360})
	eventually(t, "bob sees alice", func() bool { return len(bob.got(3)) > 60 })
	told := func() (why string) {
		for _, ev := range b.seen() {
			for _, s := range ev.GetOccupancy().GetSlots() {
				if s.Slot == 3 && ev.Ref.Participant == "bob" {
					why = s.Paused
				}
			}
		}
		return why
	}
	link := func(most layer.Bitrate) {
		b.inLoop(func(s *Shard) {
			for _, p := range s.peers {
				if p.number == 2 {
					p.division.most = most
				}
			}
		})
	}
	link(100_000)
	eventually(t, "bob is told why", func() bool { return told() == "bandwidth" })
	if b.occupant(bob, 3) != source(1, camera) {
		t.Error("bob is not told whose picture it is")
	}
	seen, heard := len(bob.got(3)), len(bob.from(source(1, mic)))
	eventually(t, "alice is heard all the same", func() bool { return len(bob.from(source(1, mic))) > heard+20 })
	if n := len(bob.got(3)); n > seen+2 {
		t.Errorf("%d packets of a paused picture", n-seen)
	}
	link(2_000_000)
	eventually(t, "the picture comes back", func() bool { return told() == "" && len(bob.got(3)) > seen+20 })
	continuous(t, bob.got(3))
}

func TestDividingALinkAllocatesNothing(t *testing.T) {
	d := newDirect(t)
	pub := d.simulcast()
	viewer := d.join(false, 9)
	viewer.size(1280, 720)
	viewer.link(700_000)
	pub.run(d, 3*time.Second, []*party{viewer}, nil)
	if n := testing.AllocsPerRun(100, func() {
		d.s.now += menuFor
		viewer.divide()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestALinkThatShrinksAndRecoversGetsTheTopLayerBack(t *testing.T) {
	d := newDirect(t)
	pub := d.simulcast()
	pub.sizes[2].rate = 1_500_000
	viewer := d.join(false, 1)
	all := []*party{viewer}
	viewer.size(1280, 720)
	// until runs the meeting until a layer is shown, and says how long it took and how long nothing was shown.
	until := func(layer int, most time.Duration) (took, frozen time.Duration) {
		begin := d.s.now
		for viewer.shown() != layer && d.s.now-begin < most {
			pub.run(d, testStep, all, pub.obey)
			if viewer.shown() < 0 {
				frozen += testStep
			}
		}
		return d.s.now - begin, frozen
	}
	viewer.link(1_700_000)
	until(2, 10*time.Second)
	pub.run(d, 20*time.Second, all, pub.obey)
	if viewer.shown() != 2 {
		t.Fatalf("layer %d on a link for the largest", viewer.shown())
	}
	viewer.link(250_000)
	if low, frozen := until(0, 5*time.Second); low > time.Second || frozen > 500*time.Millisecond {
		t.Errorf("the lowest after %v, nothing for %v", low, frozen)
	}
	pub.run(d, 12*time.Second, all, pub.obey)
	if !pub.sizes[2].off {
		t.Error("the largest is sent for nobody")
	}
	viewer.link(1_700_000)
	if top, frozen := until(2, 20*time.Second); top > 3*time.Second || frozen > 0 {
		t.Errorf("the largest after %v, nothing for %v", top, frozen)
	}
}
