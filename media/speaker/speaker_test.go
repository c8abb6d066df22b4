package speaker

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const (
	ms     = time.Millisecond
	packet = 20 * ms
	loud   = 25
	normal = 35
	quiet  = 120
)

// room plays packets of 20 ms of several people.
type room struct {
	t    testing.TB
	s    *Selector
	now  time.Duration
	took int // slots that changed hands
}

func newRoom(t testing.TB, o Options) *room {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &room{t: t, s: s}
}

// play lets each of the people send the level for the time.
func (r *room) play(d time.Duration, levels map[uint32]uint8) {
	ids := make([]uint32, 0, len(levels))
	for id := range levels {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for end := r.now + d; r.now < end; r.now += packet {
		for _, id := range ids {
			if _, took := r.s.Packet(id, levels[id], levels[id] < 50, r.now); took {
				r.took++
			}
		}
	}
}

func (r *room) heard(ids ...uint32) {
	r.t.Helper()
	for _, id := range ids {
		if r.s.SlotOf(id) < 0 {
			r.t.Errorf("%d is not heard", id)
		}
	}
}

func (r *room) first(want uint32) {
	r.t.Helper()
	if o, _ := r.s.Order(); len(o) == 0 || o[0] != want {
		r.t.Errorf("order %v, want %d first", o, want)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, o := range []Options{{Slots: -1}, {Slots: 99}, {Speech: 200}, {Hold: -1}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v", o)
		}
	}
}

func TestInASmallRoomEverybodyHasASlotEvenInSilence(t *testing.T) {
	r := newRoom(t, Options{})
	r.play(packet, map[uint32]uint8{1: quiet, 2: quiet, 3: quiet})
	r.heard(1, 2, 3)
	if r.s.Slot(0) != 1 || r.s.Slot(3) != 0 || r.s.Slot(-1) != 0 || r.s.SlotOf(9) != -1 {
		t.Error("slots are mixed up")
	}
}

func TestTheFirstLoudPacketIsHeard(t *testing.T) {
	for _, flag := range []bool{true, false} {
		r := newRoom(t, Options{})
		r.play(time.Second, map[uint32]uint8{1: quiet, 2: quiet, 3: quiet, 4: quiet})
		slot, took := r.s.Packet(4, normal, flag, r.now) // the voice flag comes late or not at all
		if slot < 0 || !took {
			t.Errorf("voice flag %v: the first packet was clipped", flag)
		}
	}
}

// Browsers set the voice flag for whatever their microphone hears, if it is not silent.
func TestTheFirstWordIsHeardWhenBackgroundNoiseHoldsEverySlot(t *testing.T) {
	for _, noise := range []uint8{50, 60, 75} {
		for _, flag := range []bool{true, false} {
			r := newRoom(t, Options{})
			steady := map[uint32]uint8{1: noise, 2: noise + 2, 3: noise - 2}
			play := func(d time.Duration) {
				for end := r.now + d; r.now < end; r.now += packet {
					for id := uint32(1); id <= 3; id++ {
						r.s.Packet(id, steady[id]+uint8(r.now/packet)%3, flag, r.now)
					}
					r.s.Packet(4, quiet, false, r.now)
				}
			}
			play(3 * time.Second)
			r.heard(1, 2, 3)
			slot, took := r.s.Packet(4, normal, true, r.now)
			if slot < 0 || !took {
				t.Errorf("noise of -%d dBov, voice flag %v: the first word was clipped", noise, flag)
			}
			// The noise does not take the place back.
			for range 100 {
				play(packet)
				if slot, _ := r.s.Packet(4, normal, true, r.now); slot < 0 {
					t.Fatalf("noise of -%d dBov, voice flag %v: the speaker was cut off", noise, flag)
				}
			}
		}
	}
}

func TestALongSpeechIsNoNoiseNorIsMusic(t *testing.T) {
	r := newRoom(t, Options{})
	for n := range 50 * 60 { // a minute: a word of 300 ms, a pause of 100 ms
		level := uint8(35 + n%5)
		if n%20 >= 15 {
			level = 70
		}
		r.s.Packet(1, level, true, r.now)
		r.s.Packet(2, 30, true, r.now) // music
		r.now += packet
		if n > 10 && (!r.s.speaking(r.s.sources[1], r.now) || !r.s.speaking(r.s.sources[2], r.now)) {
			t.Fatalf("after %v they are taken for noise", r.now)
		}
	}
}

func TestWithoutLevelsSizesTellWhoSpeaks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var a Activity
	speech := func() int { return 70 + rnd.IntN(60) }
	pause := func() int { return 8 + rnd.IntN(8) }
	right := 0
	for n := range 1000 {
		talking := n/50%2 == 0
		size := pause()
		if talking {
			size = speech()
		}
		if level, voice := a.Packet(size); n >= 100 && voice == talking && (level < 60) == talking {
			right++
		}
	}
	if right < 850 {
		t.Errorf("right in %d of 900 packets", right)
	}
	if level, voice := a.Packet(1); level != 127 || voice {
		t.Error("a silent packet is taken for sound")
	}
	var constant Activity
	for range 200 {
		if level, voice := constant.Packet(160); level >= 50 || !voice {
			t.Fatal("a constant bitrate is taken for silence")
		}
	}
	if n := testing.AllocsPerRun(100, func() { a.Packet(80) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A stream of constant bitrate cannot be told from speech: it is heard when there is room, and keeps nobody's first word away.
func TestAStreamOfUnknownActivityIsHeard(t *testing.T) {
	r := newRoom(t, Options{})
	var a Activity
	for range 100 {
		level, voice := a.Packet(160)
		r.s.Packet(9, level, voice, r.now)
		for id := uint32(1); id <= 3; id++ {
			r.s.Packet(id, quiet, false, r.now)
		}
		r.now += packet
	}
	r.heard(9)
}

func TestAVoiceFlagThatStaysOnInSilenceIsNoSpeech(t *testing.T) {
	r := newRoom(t, Options{})
	r.play(time.Second, map[uint32]uint8{1: quiet, 2: quiet, 3: quiet})
	if slot, _ := r.s.Packet(4, quiet, true, r.now); slot >= 0 {
		t.Error("silence took a slot")
	}
}

func TestTheOneSilentForLongestGivesWay(t *testing.T) {
	r := newRoom(t, Options{})
	r.play(time.Second, map[uint32]uint8{1: normal, 2: normal, 3: normal, 4: quiet})
	r.play(time.Second, map[uint32]uint8{1: normal, 2: quiet, 3: normal, 4: quiet})
	r.play(time.Second, map[uint32]uint8{1: normal, 2: quiet, 3: quiet, 4: quiet})
	r.play(packet, map[uint32]uint8{4: normal})
	r.heard(1, 3, 4)
	if r.s.SlotOf(2) >= 0 {
		t.Error("2 kept the slot")
	}
}

func TestAPauseBetweenWordsKeepsTheSlot(t *testing.T) {
	r := newRoom(t, Options{})
	r.play(2*time.Second, map[uint32]uint8{1: normal, 2: normal, 3: normal})
	r.play(400*ms, map[uint32]uint8{1: quiet, 2: normal, 3: normal})
	r.play(100*ms, map[uint32]uint8{1: quiet, 2: normal, 3: normal, 4: normal})
	r.heard(1, 2, 3)
}

func TestAClearlyLouderSpeakerTakesTheQuietestOnesSlotAndEqualOnesDoNot(t *testing.T) {
	r := newRoom(t, Options{})
	r.play(3*time.Second, map[uint32]uint8{1: normal, 2: normal + 5, 3: normal})
	r.play(3*time.Second, map[uint32]uint8{1: normal, 2: normal + 5, 3: normal, 4: normal})
	r.heard(1, 2, 3)
	r.play(time.Second, map[uint32]uint8{1: normal, 2: normal + 5, 3: normal, 4: 20})
	r.heard(1, 3, 4)
}

func TestSteadyNoiseTakesNoSlot(t *testing.T) {
	r := newRoom(t, Options{})
	r.play(time.Second, map[uint32]uint8{1: normal, 2: normal, 3: normal})
	r.play(2*time.Second, map[uint32]uint8{1: quiet, 2: quiet, 3: quiet})
	r.s.Packet(4, quiet, true, r.now-time.Second) // it is known to use the flag
	before := r.took
	for range 200 {
		if _, took := r.s.Packet(4, 45, false, r.now); took {
			r.took++
		}
		r.now += packet
	}
	if r.took-before > 1 { // the onset may take one
		t.Errorf("noise took %d slots", r.took-before)
	}
}

func TestAnyoneRemovedLeavesAtOnce(t *testing.T) {
	r := newRoom(t, Options{})
	r.play(time.Second, map[uint32]uint8{1: normal, 2: normal, 3: normal})
	if slot := r.s.Remove(2); slot != 1 || r.s.Slot(1) != 0 {
		t.Errorf("slot %d", slot)
	}
	if r.s.Remove(2) != -1 {
		t.Error("removed twice")
	}
	if o, _ := r.s.Order(); slices.Contains(o, 2) {
		t.Errorf("order %v", o)
	}
	if slot, took := r.s.Packet(4, normal, true, r.now); slot != 1 || !took {
		t.Errorf("slot %d", slot)
	}
}

// Many people with speech of random length: nobody who speaks alone is ever unheard, and slots change hands no more often
// than people begin to speak.
func TestNobodyIsClippedAndNothingFlaps(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		r := newRoom(t, Options{})
		until := map[uint32]time.Duration{}
		begins := 0
		for r.now < 2*time.Minute {
			speaking := 0
			for id := range uint32(20) {
				if until[id+1] > r.now {
					speaking++
				}
			}
			if speaking < 3 && rnd.IntN(50) == 0 {
				id := uint32(1 + rnd.IntN(20))
				if until[id] < r.now {
					begins++
				}
				until[id] = r.now + time.Duration(200+rnd.IntN(5000))*ms
			}
			for id := uint32(1); id <= 20; id++ {
				level := uint8(quiet - rnd.IntN(20))
				if until[id] > r.now {
					level = uint8(25 + rnd.IntN(20))
				}
				slot, took := r.s.Packet(id, level, level < 50, r.now)
				if took {
					r.took++
				}
				// With up to three speakers and a hold of 600 ms a fourth may wait; alone nobody may.
				if level < 50 && speaking == 1 && slot < 0 && idle(until, id, r.now) {
					t.Fatalf("seed %d: %d is unheard at %v", seed, id, r.now)
				}
			}
			r.now += packet
		}
		if r.took > begins*2+6 {
			t.Errorf("seed %d: %d changes for %d beginnings", seed, r.took, begins)
		}
	}
}

// idle says that everybody else has been silent for longer than the hold and the grace.
func idle(until map[uint32]time.Duration, me uint32, now time.Duration) bool {
	for id, u := range until {
		if id != me && now-u < 700*ms {
			return false
		}
	}
	return true
}

func TestTheSameInputGivesTheSameChoice(t *testing.T) {
	run := func() (log []int) {
		rnd := rand.New(rand.NewPCG(4, 4))
		s, _ := New(Options{})
		for i := range 20_000 {
			slot, _ := s.Packet(uint32(1+rnd.IntN(12)), uint8(rnd.IntN(128)), rnd.IntN(2) == 0, time.Duration(i)*2*ms)
			o, v := s.Order()
			log = append(log, slot, int(v))
			for _, id := range o {
				log = append(log, int(id))
			}
		}
		return log
	}
	if !slices.Equal(run(), run()) {
		t.Error("it differs")
	}
}

func TestTheOrderFollowsADialogueWithDwell(t *testing.T) {
	r := newRoom(t, Options{})
	if o, _ := r.s.Order(); len(o) != 0 {
		t.Error(o)
	}
	r.play(200*ms, map[uint32]uint8{9: normal, 1: quiet})
	r.play(time.Second, map[uint32]uint8{9: quiet, 1: quiet})
	if o, _ := r.s.Order(); len(o) != 0 {
		t.Errorf("a cough counts: %v", o)
	}
	r.play(2*time.Second, map[uint32]uint8{1: normal, 2: quiet})
	r.first(1)
	_, v := r.s.Order()
	r.play(2*time.Second, map[uint32]uint8{1: normal, 2: normal})
	r.first(1) // someone speaking at the same time does not take over
	if o, _ := r.s.Order(); !slices.Equal(o, []uint32{1, 2}) {
		t.Error(o)
	}
	r.play(time.Second, map[uint32]uint8{1: quiet, 2: normal})
	r.first(2)
	if _, now := r.s.Order(); now != v+2 {
		t.Errorf("version moved by %d", now-v)
	}
	// 1 answers at once: not before the dwell time is over.
	changed := r.s.front
	r.play(3*time.Second, map[uint32]uint8{1: normal, 2: quiet})
	r.first(1)
	if d := r.s.front - changed; d < 1200*ms {
		t.Errorf("changed after %v", d)
	}
}

func TestPlace(t *testing.T) {
	tests := []struct {
		name    string
		places  []uint32
		order   []uint32
		skip    uint32
		want    []uint32
		changed bool
	}{
		{"empty places are filled in order", []uint32{0, 0, 0}, []uint32{5, 6}, 0, []uint32{5, 6, 0}, true},
		{"who stays does not move", []uint32{5, 6, 7}, []uint32{7, 5, 6}, 0, []uint32{5, 6, 7}, false},
		{"a newcomer takes the place of who fell out", []uint32{5, 6, 7}, []uint32{8, 7, 5, 6}, 0, []uint32{5, 8, 7}, true},
		{"the viewer is not shown", []uint32{0, 0}, []uint32{5, 6, 7}, 5, []uint32{6, 7}, true},
		{"who is gone is cleared", []uint32{5, 6}, []uint32{6}, 0, []uint32{0, 6}, true},
		{"no places, no change", nil, []uint32{5}, 0, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := slices.Clone(tt.places)
			if changed := Place(got, tt.order, tt.skip); changed != tt.changed || !slices.Equal(got, tt.want) {
				t.Errorf("got %v %v", got, changed)
			}
		})
	}
}

func TestNothingAllocatesOnceASourceIsKnown(t *testing.T) {
	s, _ := New(Options{})
	i := 0
	step := func() {
		id := uint32(1 + i%10)
		level := uint8(120)
		if i/400%10 == i%10 {
			level = 30
		}
		s.Packet(id, level, level < 50, time.Duration(i)*2*ms)
		s.Order()
		i++
	}
	for range 10_000 {
		step()
	}
	if n := testing.AllocsPerRun(5000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPacket(b *testing.B) {
	s, _ := New(Options{})
	i := 0
	for b.Loop() {
		s.Packet(uint32(1+i%50), uint8(30+i%97), i%3 == 0, time.Duration(i)*400*time.Microsecond)
		i++
	}
}
