package sfu

import (
	"testing"
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/twcc"
)

// due is when somebody is looked after again, from now.
func (p *party) due() time.Duration { return p.shard.dues[p.place-1] - p.shard.now }

// flow plays a camera for so long, one packet every 40 ms, with a tick every 10 ms; looks counts those at each peer.
func (d *direct) flow(t *testing.T, pub *party, long time.Duration, all ...*party) (looks map[*party]int) {
	looks = map[*party]int{}
	for end := d.s.now + long; d.s.now < end; {
		d.s.now += 10 * time.Millisecond
		if d.s.now/(10*time.Millisecond)%4 == 0 {
			d.pass(pub, pub.video(t, false, 600))
		}
		for _, p := range all {
			p.lastPacket = d.s.now
			if p.due() <= 0 {
				looks[p]++
			}
		}
		d.s.tick()
		d.s.batch.Flush()
	}
	return looks
}

func TestAViewerWhoHasAllItNeedsIsLeftAlone(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	viewer := d.join(false, 1)
	d.pass(pub, pub.video(t, true, 600))
	d.flow(t, pub, 3*time.Second, pub, viewer)
	looks := d.flow(t, pub, time.Second, pub, viewer)
	if n := looks[viewer]; n < 3 || n > 6 {
		t.Errorf("looked after %d times in a second", n)
	}
	if n := looks[pub]; n < 15 || n > 30 { // it gets feedback every 50 ms
		t.Errorf("its publisher was looked after %d times", n)
	}
	if left := d.s.nextTick - d.s.now; left > restMost {
		t.Errorf("the shard sleeps for %v", left)
	}
}

func TestWhatHappensBringsTheNextLookForward(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	viewer := d.join(false, 1)
	d.pass(pub, pub.video(t, true, 600))
	d.flow(t, pub, 3*time.Second, pub, viewer)
	camera := pub.sources[noderpc.Kind_KIND_CAMERA].layers[0]
	tests := []struct {
		name   string
		happen func()
		who    *party // nil: a page is told
		within time.Duration
	}{
		{"a key frame is wanted", camera.requestKey, pub, 0},
		{"a packet is missing", func() {
			pub.video(t, false, 100)
			d.pass(pub, pub.video(t, false, 100))
		}, pub, nackSpacing},
		{"a packet came that is to be told of", func() { d.pass(pub, pub.video(t, false, 100)) }, pub, twcc.Interval},
		{"somebody begins to watch a layer", func() { camera.source.watched(0, 1) }, pub, 0},
		{"a viewer's slot shows nobody any more", func() { viewer.setWishes([]*noderpc.Wish{{Slot: 3, Width: 640, Height: 360, SourceId: 999}}) }, nil, 0},
		{"a viewer's link is another one", viewer.redivide, viewer, 0},
		{"a packet waits for its turn", func() { viewer.by(d.s.now + urgentTick) }, viewer, urgentTick},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d.flow(t, pub, 200*time.Millisecond, pub, viewer)
			tt.happen()
			if tt.who == nil {
				if len(d.s.news) == 0 {
					t.Error("its page is not told")
				}
			} else if due := tt.who.due(); due > tt.within {
				t.Errorf("looked after in %v", due)
			}
			if wait := d.s.nextTick - d.s.now; wait > max(tt.within, urgentTick) {
				t.Errorf("the next tick is in %v", wait)
			}
		})
	}
}

func TestManyAreNotLookedAfterInOneTick(t *testing.T) {
	d := newDirect(t)
	for range 600 {
		d.join(false, 1)
	}
	most, sum := 0, 0
	for n := range 200 {
		d.s.now += 10 * time.Millisecond
		now := 0
		for i, p := range d.s.peers {
			p.lastPacket = d.s.now
			if d.s.dues[i] <= d.s.now {
				now++
			}
		}
		if n >= 100 { // all are calm by then
			most, sum = max(most, now), sum+now
		}
		d.s.tick()
	}
	if most > 150 || sum < 600*3 || sum > 600*11 {
		t.Errorf("%d in one tick, %d in a second", most, sum)
	}
}

func TestWhoLeavesTakesNobodyElseOffTheList(t *testing.T) {
	d := newDirect(t)
	var all []*party
	for range 10 {
		all = append(all, d.join(false, 1))
	}
	for i, p := range all {
		if i%3 == 0 {
			d.s.strike(p.Peer)
		}
	}
	for i, p := range all {
		if gone := i%3 == 0; gone != (p.place == 0) || !gone && d.s.peers[p.place-1] != p.Peer {
			t.Errorf("%d has place %d of %d", i, p.place, len(d.s.peers))
		}
	}
	if len(d.s.peers) != 6 || len(d.s.dues) != 6 {
		t.Errorf("%d are left, with %d times", len(d.s.peers), len(d.s.dues))
	}
}
