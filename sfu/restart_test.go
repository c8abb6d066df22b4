package sfu

import "testing"

// A publisher may begin a stream anew at any moment, under any payload type: whoever waits for another stream of it must
// not be in the way of the others, who hold on to what is gone otherwise.
func TestEverybodyIsToldWhenAStreamBeginsAnew(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	for range 3 {
		d.join(false, 3)
	}
	for i := range 5 {
		d.from(pub.addr, pub.video(t, i == 0, 1000))
		d.s.tick()
	}
	l := pub.sources[camera].layers[0]
	if len(l.downs) != 3 {
		t.Fatalf("%d viewers", len(l.downs))
	}
	waiting, behind := l.downs[0], l.downs[1]
	larger := &Layer{source: l.source, index: 1}
	waiting.want = larger
	waiting.watch(larger)
	behind.replay = replay{on: true, next: l.ring.Highest(), press: press{last: l.ring.Highest()}}

	l.restart(4711)
	d.s.tick()
	if behind.layer != nil || behind.replay.on || behind.want != l {
		t.Error("a viewer still shows a stream that is over")
	}
}
