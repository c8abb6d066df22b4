package sfu

import (
	"testing"
	"time"

	"incamera/cluster/noderpc"
)

// hinted gives what a publisher was told last of its camera's layers, and whether it was told anything.
func (p *party) hinted() (on []bool, told bool) {
	into := make([]*noderpc.Event, 64)
	for n := p.outbox.Take(into); n > 0; n = p.outbox.Take(into) {
		for _, ev := range into[:n] {
			if h := ev.GetPublishHints(); h != nil && ev.Ref == p.ref {
				on, told = on[:0], true
				for _, l := range h.Layers {
					on = append(on, l.Active)
				}
			}
		}
	}
	return on, told
}

func TestPicturesWaitWhileAPublishersLineIsFull(t *testing.T) {
	d := newDirect(t)
	cam := d.simulcast()
	viewer := d.join(false, 1)
	said := 0
	speak := func(n int) {
		for ; n > 0; n-- {
			d.pass(cam.party, cam.sound(t, said, opusPT, 30, spoken(said)))
			said++
		}
	}
	began := d.s.now
	inTime := func() { speak(int((d.s.now-began)/(20*time.Millisecond)) - said) }
	cam.run(d, 3*time.Second, []*party{viewer}, inTime)
	if on, _ := cam.hinted(); len(on) != 3 || !on[0] {
		t.Fatalf("told %v while the line is wide", on)
	}

	for i := range cam.sizes { // what it sends now is still in its line, which carries 100 kbit/s
		cam.sizes[i].off = true
	}
	var held []bool
	late := d.s.now
	cam.run(d, 2*time.Second, []*party{viewer}, func() {
		if d.s.now-late >= 60*time.Millisecond {
			late = d.s.now
			speak(1)
		}
		if on, told := cam.hinted(); told {
			held = on
		}
	})
	if len(held) != 3 || held[0] || held[1] || held[2] {
		t.Fatalf("told %v while sound comes more than a second late", held)
	}
	if viewer.video0().paused != pausedNoLayer {
		t.Errorf("the viewer is told %q", viewer.video0().paused)
	}

	cam.run(d, time.Second, []*party{viewer}, inTime)
	if on, _ := cam.hinted(); len(on) != 3 || !on[0] {
		t.Fatalf("told %v once sound is in time again", on)
	}
	for i := range cam.sizes {
		cam.sizes[i].off = false
	}
	cam.run(d, time.Second, []*party{viewer}, inTime)
	if viewer.shown() < 0 || viewer.video0().paused != "" {
		t.Errorf("shown %d, paused %q after it", viewer.shown(), viewer.video0().paused)
	}
}
