package sfu

import (
	"testing"
	"time"
)

func TestAKeyFrameIsMadeWhileTheFirstViewersHandshakeRuns(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	d.pass(pub, pub.video(t, true, 100))
	for range 100 { // nobody watches; the key frame grows too old to begin with
		d.at(d.s.now + 50*time.Millisecond)
		d.pass(pub, pub.video(t, false, 1000))
	}
	viewer := d.admit(false, 1)
	d.at(d.s.now + tickEvery)
	if n := d.s.counts.pliSent.Load(); n != 1 {
		t.Fatalf("%d key frames were asked for at the admission", n)
	}
	d.at(d.s.now + 250*time.Millisecond)
	d.pass(pub, pub.video(t, true, 100))
	viewer.connect(t)
	d.at(d.s.now + tickEvery)
	if media, _ := viewer.received(t); len(media) == 0 {
		t.Fatal("the picture does not begin with what is at hand")
	}
	if n := d.s.counts.pliSent.Load(); n != 1 {
		t.Fatalf("%d key frames were asked for in all", n)
	}
}

func TestAKeyFrameThatWillBeTooOldAfterALongHandshakeIsMadeAnewMeanwhile(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	d.pass(pub, pub.video(t, true, 100))
	watch := func(until time.Duration) {
		for until += d.s.now; d.s.now < until; {
			d.at(d.s.now + 50*time.Millisecond)
			d.pass(pub, pub.video(t, false, 20))
		}
	}
	watch(replayMaxAge - time.Second)
	viewer := d.admit(false, 1)
	watch(500 * time.Millisecond)
	if n := d.s.counts.pliSent.Load(); n != 0 {
		t.Fatalf("%d key frames were asked for though one is at hand", n)
	}
	d.s.stun(viewer.addr, stunProof(viewer.ice.ufrag+":x", "password2"))
	d.at(d.s.now + tickEvery)
	if n := d.s.counts.pliSent.Load(); n != 1 {
		t.Fatalf("%d key frames were asked for at the first check", n)
	}
}
