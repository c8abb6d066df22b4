package layer

import (
	"testing"
	"time"
)

// pictures plays pictures of layers; each has its own distance between pictures, 0 for none.
func pictures(s *Set, from, to time.Duration, every ...time.Duration) {
	for now := from; now < to; now += time.Millisecond {
		for i, e := range every {
			if e > 0 && now%e == 0 {
				s.Packet(i, 500, now)
				s.Begins(i, now)
			}
		}
	}
}

func TestALayerThatStopsWhileLowerOnesGoOnHasEndedSoon(t *testing.T) {
	for _, beat := range []time.Duration{33 * time.Millisecond, 66 * time.Millisecond} {
		var s Set
		pictures(&s, time.Millisecond, 3*time.Second, beat, beat, beat)
		ended := time.Duration(0)
		for now := 3 * time.Second; now < 5*time.Second && ended == 0; now += 10 * time.Millisecond {
			pictures(&s, now, now+10*time.Millisecond, beat, beat, 0)
			if !s.Alive(2, now) {
				ended = now - 3*time.Second
			}
		}
		if ended == 0 || ended > 450*time.Millisecond {
			t.Errorf("a picture every %v: ended after %v", beat, ended)
		}
		if !s.Alive(1, 3*time.Second+ended) || !s.Alive(0, 3*time.Second+ended) {
			t.Error("the others have ended, too")
		}
	}
}

func TestALayerThatCameForAFewPicturesHasEndedAsSoon(t *testing.T) {
	const beat = 66 * time.Millisecond
	var s Set
	pictures(&s, time.Millisecond, 3*time.Second, beat, beat)
	pictures(&s, 3*time.Second, 3*time.Second+300*time.Millisecond, beat, beat, beat) // and long before, or never
	pictures(&s, 3*time.Second+300*time.Millisecond, 3*time.Second+800*time.Millisecond, beat, beat, 0)
	if s.Alive(2, 3*time.Second+800*time.Millisecond) {
		t.Error("it is waited for")
	}
}

func TestACameraThatPausesAsAWholeEndsNoLayerEarly(t *testing.T) {
	var s Set
	pictures(&s, time.Millisecond, 3*time.Second, 33*time.Millisecond, 33*time.Millisecond)
	if at := 3*time.Second + 900*time.Millisecond; !s.Alive(1, at) || !s.Alive(0, at) {
		t.Error("a layer ended in a pause")
	}
}

func TestALayerThatIsSlowerThanTheOthersHasNotEnded(t *testing.T) {
	var s Set
	for now := time.Millisecond; now < 10*time.Second; now += 10 * time.Millisecond {
		pictures(&s, now, now+10*time.Millisecond, 33*time.Millisecond, 200*time.Millisecond)
		if now > 2*time.Second && !s.Alive(1, now) {
			t.Fatalf("ended at %v", now)
		}
	}
}

func TestTheLowestLayerEndsOnlyByItsOwnSilence(t *testing.T) {
	var s Set
	pictures(&s, time.Millisecond, 2*time.Second, 33*time.Millisecond, 33*time.Millisecond)
	pictures(&s, 2*time.Second, 2*time.Second+900*time.Millisecond, 0, 33*time.Millisecond)
	if !s.Alive(0, 2*time.Second+900*time.Millisecond) {
		t.Error("nothing is left to be shown")
	}
}
