package allot

import (
	"testing"
	"time"

	"incamera/media/layer"
)

const ms = time.Millisecond

// camera sends three sizes at 150, 500 and 2500 kbit/s.
func camera() []Point {
	return []Point{
		{Bitrate: 150_000, Width: 320, Height: 180},
		{Bitrate: 500_000, Width: 640, Height: 360, Spatial: 1},
		{Bitrate: 2_500_000, Width: 1280, Height: 720, Spatial: 2},
	}
}

// smooth is a camera whose sizes have a quarter, half and all of the frames.
func smooth() (points []Point) {
	for _, p := range camera() {
		for _, part := range []layer.Bitrate{40, 60, 100} {
			q := p
			q.Bitrate = p.Bitrate * part / 100
			points = append(points, q)
		}
	}
	return points
}

// share sends text in two sizes.
func share() []Point {
	return []Point{
		{Bitrate: 300_000, Width: 960, Height: 540},
		{Bitrate: 1_200_000, Width: 1920, Height: 1080, Spatial: 1},
	}
}

func tile(source uint64, width, height uint16, points []Point) Slot {
	return Slot{Source: source, Width: width, Height: height, Points: points, Current: None}
}

func tiles(n int, width, height uint16, points func() []Point) (slots []Slot) {
	for i := range n {
		slots = append(slots, tile(uint64(i+1), width, height, points()))
	}
	return slots
}

// viewer is a receiver over time: what was granted is what is shown.
type viewer struct {
	m        Memory
	slots    []Slot
	now      time.Duration
	switches int
}

// see lets the link be of a size for a time.
func (v *viewer) see(budget layer.Bitrate, span time.Duration) {
	for end := v.now + span; v.now < end; v.now += 100 * ms {
		v.m.Allot(budget, v.slots, v.now)
		for i := range v.slots {
			if s := &v.slots[i]; s.Current != s.Target {
				s.Current = s.Target
				v.switches++
			}
		}
	}
}

func (v *viewer) targets() (list []int) {
	for i := range v.slots {
		list = append(list, v.slots[i].Target)
	}
	return list
}

func same(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestWhatAViewerGets(t *testing.T) {
	with := func(s Slot, edit func(*Slot)) Slot { edit(&s); return s }
	screen := func(s *Slot) { s.Screen = true }
	pinned := func(s *Slot) { s.Pinned = true }
	speaker := func(s *Slot) { s.Speaker = true }
	thumb := func(source uint64) Slot { return tile(source, 300, 170, camera()) }
	tests := []struct {
		name   string
		budget layer.Bitrate
		slots  []Slot
		want   []int
	}{
		{"no limit: what the element needs", 0, []Slot{tile(1, 1280, 720, camera()), thumb(2)}, []int{2, 0}},
		{"a fast link: what the element needs, no more", 50_000_000, []Slot{tile(1, 640, 360, camera()), thumb(2)}, []int{1, 0}},
		{"a link for the middle size", 800_000, []Slot{tile(1, 1280, 720, camera())}, []int{1}},
		{"a link for the lowest", 200_000, []Slot{tile(1, 1280, 720, camera())}, []int{0}},
		{"a link for sound only", 60_000, []Slot{tile(1, 1280, 720, camera())}, []int{None}},
		{"everybody is seen before anybody is seen well", 700_000, tiles(4, 640, 360, camera), []int{0, 0, 0, 0}},
		{"equal tiles in a grid go up one by one", 1_200_000, tiles(4, 640, 360, camera), []int{1, 0, 0, 0}},
		{"who speaks is seen well first", 1_180_000,
			[]Slot{tile(1, 640, 360, camera()), tile(2, 640, 360, camera()), with(tile(3, 640, 360, camera()), speaker)}, []int{0, 0, 1}},
		{"who is pinned is seen well first", 1_180_000,
			[]Slot{tile(1, 640, 360, camera()), tile(2, 640, 360, camera()), with(tile(3, 640, 360, camera()), pinned)}, []int{0, 0, 1}},
		{"the large tile is seen well first", 1_180_000, []Slot{tile(1, 400, 225, camera()), tile(2, 640, 360, camera()), thumb(3)}, []int{0, 1, 0}},
		{"the text of a shared screen first, then faces", 2_000_000,
			[]Slot{thumb(1), thumb(2), with(tile(3, 1600, 900, share()), screen)}, []int{0, 0, 1}},
		{"legible text before the second face", 1_450_000,
			[]Slot{thumb(1), thumb(2), with(tile(3, 1600, 900, share()), screen)}, []int{0, None, 1}},
		{"a smaller text, when the large one does not fit", 700_000,
			[]Slot{thumb(1), thumb(2), with(tile(3, 1600, 900, share()), screen)}, []int{0, 0, 0}},
		{"what nobody looks at costs nothing", 800_000,
			[]Slot{with(tile(1, 640, 360, camera()), func(s *Slot) { s.Hidden = true }), tile(2, 640, 360, camera())}, []int{None, 1}},
		{"an encoder far too large for the link holds nobody up", 900_000,
			[]Slot{with(tile(1, 1280, 720, []Point{{Bitrate: 6_000_000, Width: 1920, Height: 1080}}), pinned), tile(2, 640, 360, camera())},
			[]int{None, 1}},
		{"when not all fit, the least important pause", 400_000,
			[]Slot{thumb(1), with(thumb(2), speaker), tile(3, 640, 360, camera())}, []int{None, 0, 0}},
		{"fewer frames before a smaller picture", 1_300_000, []Slot{tile(1, 1280, 720, smooth())}, []int{6}},
		{"a source without a size known", 700_000, []Slot{tile(1, 640, 360, []Point{{Bitrate: 100_000}, {Bitrate: 400_000, Spatial: 1}})}, []int{1}},
		{"an empty slot", 700_000, []Slot{tile(0, 640, 360, nil), tile(2, 640, 360, nil)}, []int{None, None}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := viewer{slots: tt.slots}
			v.see(tt.budget, 100*ms)
			if got := v.targets(); !same(got, tt.want) {
				t.Errorf("at once: got %v, want %v", got, tt.want)
			}
			v.see(tt.budget, time.Minute)
			if got := v.targets(); !same(got, tt.want) {
				t.Errorf("after a minute: got %v, want %v", got, tt.want)
			}
			for i := range v.slots {
				s := &v.slots[i]
				if s.Paused != (s.Target == None && len(s.Points) > 0 && !s.Hidden) {
					t.Errorf("slot %d: paused %v at %d", i, s.Paused, s.Target)
				}
			}
		})
	}
}

func TestTheLinkShrinksAndRecovers(t *testing.T) {
	v := viewer{slots: tiles(1, 1280, 720, camera)}
	v.see(4_000_000, 10*time.Second)
	v.see(300_000, 100*ms)
	if v.slots[0].Target != 0 {
		t.Fatalf("not down at once: %d", v.slots[0].Target)
	}
	v.see(300_000, 10*time.Second)
	v.see(4_000_000, 1500*ms)
	if v.slots[0].Target != 2 || v.switches != 3 {
		t.Fatalf("%d after %d switches", v.slots[0].Target, v.switches)
	}
}

func TestALittleLessForAMomentIsBorne(t *testing.T) {
	v := viewer{slots: tiles(4, 640, 360, camera)}
	v.see(2_300_000, 10*time.Second)
	n := v.switches
	for range 20 {
		v.see(1_900_000, 300*ms)
		v.see(2_050_000, 700*ms)
	}
	if v.switches != n {
		t.Errorf("%d switches", v.switches-n)
	}
}

func TestTheLastPictureSurvivesAnEstimateThatFallsTooLowForAMoment(t *testing.T) {
	v := viewer{slots: tiles(1, 1280, 720, camera)}
	v.see(3_000_000, 5*time.Second)
	v.see(105_000, 2*time.Second)
	if v.slots[0].Target != 0 || v.slots[0].Paused {
		t.Fatalf("target %d after two seconds of too little for the lowest layer", v.slots[0].Target)
	}
	v.see(105_000, 2*time.Second)
	if !v.slots[0].Paused {
		t.Fatal("what does not fit goes on")
	}
	v.see(3_000_000, 5*time.Second)
	v.see(60_000, 100*ms)
	if !v.slots[0].Paused {
		t.Fatal("what is far too much goes on")
	}
}

func TestAPauseThatWasAMistakeDoesNotKeepPicturesAwayThatClearlyFit(t *testing.T) {
	v := viewer{slots: tiles(8, 640, 360, camera)}
	v.see(300_000, 5*time.Second)
	v.see(2_000_000, 5*time.Second)
	if v.slots[7].Paused {
		t.Fatal("eight pictures do not come though they fit")
	}
	v.see(40_000, 5*time.Second) // one wrong estimate
	v.see(1_000_000, 4*time.Second)
	shown := 0
	for i := range v.slots {
		if !v.slots[i].Paused {
			shown++
		}
	}
	if shown < 4 {
		t.Errorf("%d pictures of eight with half of what they take", shown)
	}
}

func TestAfterAMistakeTheMoreImportantStillTakesFromTheLess(t *testing.T) {
	v := viewer{slots: tiles(3, 640, 360, camera)}
	v.see(870_000, 5*time.Second) // one is seen well
	v.see(1_250_000, 1200*ms)     // a second one, which the link does not bear
	v.see(1_000_000, 2*time.Second)
	for i := range v.slots {
		v.slots[i].Pinned = v.slots[i].Target == 0
	}
	pinned := 0
	v.see(1_000_000, 3*time.Second)
	for i := range v.slots {
		if s := &v.slots[i]; s.Pinned && s.Target == 1 {
			pinned++
		} else if !s.Pinned && s.Target == 1 {
			t.Error("a small one is seen better than a pinned one")
		}
	}
	if pinned == 0 {
		t.Error("no pinned one is seen well")
	}
}

func TestUpOnlyWithHeadroomAndAfterAWhile(t *testing.T) {
	v := viewer{slots: tiles(1, 640, 360, camera)}
	v.see(300_000, 5*time.Second)
	v.see(510_000, time.Minute)
	if v.slots[0].Target != 0 {
		t.Fatal("up without headroom")
	}
	v.see(580_000, 500*ms)
	if v.slots[0].Target != 0 {
		t.Fatal("up at once")
	}
	v.see(580_000, time.Second)
	if v.slots[0].Target != 1 {
		t.Fatal("never up")
	}
	v.see(520_000, time.Minute)
	if v.slots[0].Target != 1 {
		t.Fatal("down although it fits")
	}
}

func TestAnUpThatTheLinkDoesNotBearIsTriedLessAndLess(t *testing.T) {
	v := viewer{slots: tiles(1, 640, 360, camera)}
	v.see(200_000, time.Second)
	tries := []time.Duration{}
	for v.now < 10*time.Minute {
		// The estimate grows until the larger picture comes, which the link does not carry.
		v.see(600_000, 100*ms)
		if v.slots[0].Target == 1 {
			tries = append(tries, v.now)
			v.see(600_000, time.Second)
			v.see(250_000, time.Second)
		}
	}
	if len(tries) > 9 || len(tries) < 3 {
		t.Fatalf("%d tries: %v", len(tries), tries)
	}
	for i := 2; i < min(len(tries), 6); i++ {
		if tries[i]-tries[i-1] <= tries[i-1]-tries[i-2] {
			t.Errorf("tries do not thin out: %v", tries)
		}
	}
	v.see(3_000_000, 2*time.Second)
	if v.slots[0].Target != 1 {
		t.Error("a link that is clearly another one must wait")
	}
}

func TestAtASteadySlowLinkPicturesDoNotComeAndGo(t *testing.T) {
	for _, n := range []int{1, 3, 9} {
		for _, points := range []func() []Point{camera, smooth} {
			v := viewer{slots: tiles(n, 640, 360, points)}
			v.see(1_000_000, 2*time.Second) // what a receiver begins with
			rnd := uint32(7)
			for minute := range 10 {
				before := v.switches
				for range 600 {
					rnd = rnd*1664525 + 1013904223
					v.see(layer.Bitrate(45_000+rnd>>16), 100*ms) // 45 to 110 kbit/s
				}
				if got := v.switches - before; minute > 0 && got > 2 {
					t.Errorf("%d tiles, minute %d: %d switches", n, minute, got)
				}
			}
		}
	}
}

func TestAPausedPictureComesBackWhenItIsClearlyPossible(t *testing.T) {
	v := viewer{slots: tiles(1, 640, 360, camera)}
	v.see(400_000, 10*time.Second)
	v.see(100_000, 30*time.Second)
	v.see(165_000, time.Minute)
	if !v.slots[0].Paused {
		t.Fatal("back without headroom")
	}
	v.see(190_000, time.Second)
	if !v.slots[0].Paused {
		t.Fatal("back at once")
	}
	v.see(190_000, time.Second)
	if v.slots[0].Paused {
		t.Fatal("never back")
	}
}

func TestANewSpeakerTakesThePlaceOfAnotherOnlyWhenTheySpeakOn(t *testing.T) {
	v := viewer{slots: tiles(2, 640, 360, camera)}
	v.slots[0].Speaker = true
	v.see(280_000, 10*time.Second)
	if got := v.targets(); !same(got, []int{0, None}) {
		t.Fatal(got)
	}
	v.slots[0].Speaker, v.slots[1].Speaker = false, true
	v.see(280_000, 6*time.Second)
	if got := v.targets(); !same(got, []int{0, None}) {
		t.Fatalf("after a short word: %v", got)
	}
	v.see(280_000, 6*time.Second)
	if got := v.targets(); !same(got, []int{None, 0}) {
		t.Fatalf("after a speech: %v", got)
	}
}

func TestANewPersonInASlotIsShownAtOnce(t *testing.T) {
	v := viewer{slots: tiles(2, 640, 360, camera)}
	v.see(1_200_000, 10*time.Second)
	v.slots[1].Source, v.slots[1].Current = 9, None
	v.see(1_200_000, 100*ms)
	if got := v.targets(); !same(got, []int{1, 1}) {
		t.Error(got)
	}
}

func TestPublishersAreAskedForWhatTheLinkCarries(t *testing.T) {
	off := func() []Point {
		points := camera()
		points[2].Off = true
		return points
	}
	v := viewer{slots: tiles(1, 1280, 720, off)}
	v.see(0, 100*ms)
	if s := &v.slots[0]; s.Target != 1 || s.Ask != 2 {
		t.Fatalf("no limit: shown %d, asked %d", s.Target, s.Ask)
	}
	v.see(1_000_000, 10*time.Second)
	if s := &v.slots[0]; s.Target != 1 || s.Ask != 1 {
		t.Fatalf("a slow link: shown %d, asked %d", s.Target, s.Ask)
	} else if s.Need != 2 {
		t.Fatalf("the element has use for %d", s.Need)
	}
	v.see(2_560_000, 10*time.Second)
	if s := &v.slots[0]; s.Ask != 1 {
		t.Fatalf("a link that carries it barely: asked %d", s.Ask)
	}
	v.see(3_000_000, 2*time.Second)
	if s := &v.slots[0]; s.Target != 1 || s.Ask != 2 {
		t.Fatalf("a link that carries it: shown %d, asked %d", s.Target, s.Ask)
	}
	v.slots[0].Points[2].Off = false
	v.see(3_000_000, 100*ms)
	if s := &v.slots[0]; s.Target != 2 {
		t.Fatalf("it came: shown %d", s.Target)
	}
	v.see(2_550_000, time.Second)
	if s := &v.slots[0]; s.Target != 2 || s.Ask != 2 {
		t.Fatalf("it still fits: shown %d, asked %d", s.Target, s.Ask)
	}
}

func TestALayerThatNeverComesTakesNothingFromOthers(t *testing.T) {
	slots := tiles(3, 640, 360, camera)
	slots[0] = tile(1, 1280, 720, camera())
	slots[0].Points[2].Off, slots[0].Pinned = true, true
	v := viewer{slots: slots}
	v.see(4_200_000, 20*time.Second)
	if got := v.targets(); !same(got, []int{1, 1, 1}) || slots[0].Ask != 2 {
		t.Errorf("%v, asked for %d", got, slots[0].Ask)
	}
}

func TestASmallChangeOfAnElementDoesNotSwitch(t *testing.T) {
	v := viewer{slots: tiles(1, 640, 360, camera)}
	for _, step := range []struct {
		w, h uint16
		want int
	}{{640, 360, 1}, {800, 450, 1}, {900, 506, 2}, {700, 394, 2}, {600, 338, 1}, {368, 207, 1}, {300, 169, 0}, {410, 230, 0}} {
		v.slots[0].Width, v.slots[0].Height = step.w, step.h
		v.see(20_000_000, 2*time.Second)
		if v.slots[0].Target != step.want {
			t.Errorf("%dx%d: %d", step.w, step.h, v.slots[0].Target)
		}
	}
}

func TestWhoeverWasNeverSeenComesAsSoonAsTheLinkAllows(t *testing.T) {
	v := viewer{slots: tiles(4, 640, 360, camera)}
	v.see(400_000, time.Second) // an estimate begins low
	if got := v.targets(); !same(got, []int{0, 0, None, None}) {
		t.Fatal(got)
	}
	v.see(700_000, 500*ms)
	if got := v.targets(); !same(got, []int{0, 0, 0, 0}) {
		t.Fatal(got)
	}
}

func TestALargerLayerStandsInUntilTheRightOneIsOn(t *testing.T) {
	v := viewer{slots: tiles(1, 640, 360, camera)}
	v.slots[0].Points[1].Off = true
	v.see(20_000_000, time.Second)
	if s := &v.slots[0]; s.Target != 2 || s.Ask != 1 {
		t.Fatalf("shown %d, asked %d", s.Target, s.Ask)
	}
	v.slots[0].Points[1].Off = false
	v.see(20_000_000, time.Second)
	if s := &v.slots[0]; s.Target != 1 || s.Ask != 1 {
		t.Fatalf("shown %d, asked %d", s.Target, s.Ask)
	}
}

func TestALayerBetweenThatIsOffIsAskedForWhenTheLinkShrinks(t *testing.T) {
	v := viewer{slots: tiles(1, 1280, 720, camera)}
	v.slots[0].Points[1].Off = true
	v.see(4_000_000, time.Second)
	v.see(1_500_000, time.Second)
	if s := &v.slots[0]; s.Target != 0 || s.Ask != 1 {
		t.Fatalf("shown %d, asked %d", s.Target, s.Ask)
	}
}
