package rewrite

import (
	"testing"
	"time"

	"incamera/media/seq"
)

const ms = time.Millisecond

func video(t testing.TB) *Stream {
	t.Helper()
	s, err := New(Options{Clock: seq.VideoClock, History: 64, FirstSeq: 1000, FirstTS: 5000})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func audio(t testing.TB) *Stream {
	t.Helper()
	s, err := New(Options{Clock: seq.AudioClock, History: 64, FirstSeq: 1000, FirstTS: 5000})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func expect(t *testing.T, s *Stream, ext seq.Ext, ts uint32, now time.Duration, wantSeq uint16, wantTS uint32) {
	t.Helper()
	o, ok := s.Packet(ext, ts, now)
	if !ok || o.Seq() != wantSeq || o.TS != wantTS {
		t.Fatalf("packet %d: got %d/%d %v, want %d/%d", ext, o.Seq(), o.TS, ok, wantSeq, wantTS)
	}
}

func refuse(t *testing.T, s *Stream, ext seq.Ext, ts uint32, now time.Duration) {
	t.Helper()
	if o, ok := s.Packet(ext, ts, now); ok {
		t.Fatalf("packet %d went out as %d", ext, o.Seq())
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	good := Options{Clock: seq.VideoClock, History: 64}
	if good.Validate() != nil {
		t.Fatal("good options are refused")
	}
	for name, o := range map[string]Options{
		"no clock":                 {History: 64},
		"no history":               {Clock: 1},
		"history of no power":      {Clock: 1, History: 100},
		"history too large":        {Clock: 1, History: 8192},
		"first number near a wrap": {Clock: 1, History: 64, FirstSeq: 40000},
	} {
		if _, err := New(o); err == nil {
			t.Error(name)
		}
	}
}

func TestNothingGoesOutBeforeASwitch(t *testing.T) {
	s := video(t)
	refuse(t, s, 5, 0, 0)
	if _, ok := s.Last(); ok {
		t.Error("there is a last packet")
	}
	if _, ok := s.Inject(); ok {
		t.Error("padding went out")
	}
	if _, hole := s.Drop(5, 0); hole {
		t.Error("there is a hole")
	}
	if _, ok := s.Lookup(1000); ok {
		t.Error("something is found")
	}
}

func TestVideoMovesOnByElapsedTime(t *testing.T) {
	tests := []struct {
		name    string
		elapsed time.Duration
		step    uint32
	}{
		{"one frame later", 50 * ms, 4500},
		{"at the same moment: 10 ms", 0, 900},
		{"sooner than 10 ms: 10 ms", 3 * ms, 900},
		{"after a pause of an hour", time.Hour, 324000000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := video(t)
			s.Switch(70000, 1<<31, 10*ms)
			expect(t, s, 70000, 1<<31, 10*ms, 1000, 5000)
			expect(t, s, 70001, 1<<31+3000, 40*ms, 1001, 8000)
			now := 40*ms + tt.elapsed
			s.Switch(99, 17, now)
			expect(t, s, 99, 17, now, 1002, 8000+tt.step)
			expect(t, s, 100, 17, now, 1003, 8000+tt.step)
			if s.TSOffset()+17 != 8000+tt.step {
				t.Error("the offset is wrong")
			}
		})
	}
}

func TestAudioMovesOnByWholePackets(t *testing.T) {
	tests := []struct {
		name    string
		packet  uint32 // ticks per packet of the first source
		elapsed time.Duration
		step    uint32
	}{
		{"a stream that goes on: one packet", 960, 20 * ms, 960},
		{"too early: one packet", 960, 1 * ms, 960},
		{"60 ms is still going on", 960, 60 * ms, 960},
		{"a longer pause is rounded to whole packets", 960, 111 * ms, 6 * 960},
		{"rounded down", 960, 109 * ms, 5 * 960},
		{"10 ms packets", 480, 15 * ms, 480},
		{"60 ms packets after a pause", 2880, 150 * ms, 3 * 2880},
		{"a day of silence wraps like the clock", 960, 26 * time.Hour, uint32(26 * 3600 * 48000 & 0xffffffff)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := audio(t)
			s.Switch(70000, 77, 0)
			var now time.Duration
			for i := range uint32(6) {
				now = time.Duration(i*tt.packet) * time.Second / 48000
				expect(t, s, 70000+seq.Ext(i), 77+i*tt.packet, now, uint16(1000+i), 5000+i*tt.packet)
			}
			now += tt.elapsed
			s.Switch(400, 123456, now)
			expect(t, s, 400, 123456, now, 1006, 5000+5*tt.packet+tt.step)
		})
	}
}

func TestAPauseIsNotTakenForAPacketDuration(t *testing.T) {
	s := audio(t)
	s.Switch(1, 0, 0)
	ts := uint32(0)
	for i, d := range []uint32{0, 960, 960, 4800, 960, 4800, 960, 24000, 960} {
		ts += d
		s.Packet(seq.Ext(1+i), ts, 0)
	}
	s.Switch(1, 0, 20*ms)
	o, _ := s.Packet(1, 0, 20*ms)
	if got := o.TS - 5000 - ts; got != 960 {
		t.Errorf("step of %d", got)
	}
}

func TestPacketsOlderThanTheSwitchAreRefused(t *testing.T) {
	s := video(t)
	s.Switch(100, 0, 0)
	expect(t, s, 100, 0, 0, 1000, 5000)
	refuse(t, s, 99, 0, 0)
	s.Switch(500, 0, 10*ms)
	expect(t, s, 500, 0, 10*ms, 1001, 5900)
	refuse(t, s, 499, 0, 0)
}

func TestReorderedPacketsKeepTheirOrder(t *testing.T) {
	s := video(t)
	s.Switch(100, 0, 0)
	expect(t, s, 100, 0, 0, 1000, 5000)
	expect(t, s, 103, 9, 0, 1003, 5009)
	expect(t, s, 101, 0, 0, 1001, 5000)
	refuse(t, s, 101, 0, 0)
	refuse(t, s, 103, 9, 0)
	expect(t, s, 102, 9, 0, 1002, 5009)
	expect(t, s, 104, 9, 0, 1004, 5009)
}

func TestDroppedPacketsLeaveNoHole(t *testing.T) {
	s := video(t)
	s.Switch(100, 0, 0)
	expect(t, s, 100, 0, 0, 1000, 5000)
	if _, hole := s.Drop(101, 0); hole {
		t.Error("hole")
	}
	expect(t, s, 102, 0, 0, 1001, 5000)
	refuse(t, s, 101, 0, 0)
	// 103 is missing, 104 is dropped: 103 keeps a number, 104 has none.
	s.Drop(104, 0)
	expect(t, s, 105, 0, 0, 1003, 5000)
	expect(t, s, 103, 0, 0, 1002, 5000)
}

func TestAMissingPacketThatIsThenDroppedIsAHoleToFill(t *testing.T) {
	s := video(t)
	s.Switch(100, 0, 0)
	expect(t, s, 100, 0, 0, 1000, 5000)
	expect(t, s, 102, 7, 0, 1002, 5007)
	o, hole := s.Drop(101, 3)
	if !hole || o.Seq() != 1001 || o.TS != 5003 {
		t.Errorf("got %+v %v", o, hole)
	}
	if _, hole = s.Drop(101, 3); hole {
		t.Error("the hole is there twice")
	}
	refuse(t, s, 101, 3, 0)
}

func TestAMissingPacketDroppedBeforeAnyLaterOneWentOutLeavesNoHole(t *testing.T) {
	s := video(t)
	s.Switch(100, 0, 0)
	expect(t, s, 100, 0, 0, 1000, 5000)
	s.Drop(104, 0) // 101, 102, 103 are missing
	if _, hole := s.Drop(102, 0); hole {
		t.Error("hole")
	}
	expect(t, s, 105, 0, 0, 1003, 5000)
	expect(t, s, 103, 0, 0, 1002, 5000)
	expect(t, s, 101, 0, 0, 1001, 5000)
}

func TestALatePacketAfterADropIsTheNewest(t *testing.T) {
	s := video(t)
	s.Switch(100, 0, 0)
	s.Drop(101, 0)
	expect(t, s, 100, 50, 7*ms, 1000, 5050)
	s.Switch(9, 9, 57*ms)
	expect(t, s, 9, 9, 57*ms, 1001, 5050+4500)
}

func TestNumbersKeptButNeverSeenAreTakenBackAtASwitch(t *testing.T) {
	s := video(t)
	s.Switch(100, 0, 0)
	expect(t, s, 100, 0, 0, 1000, 5000)
	s.Drop(110, 0)
	s.Switch(5, 0, 20*ms)
	expect(t, s, 5, 0, 20*ms, 1001, 5000+1800)
}

func TestAGapTooWideToRepairBecomesOneHole(t *testing.T) {
	s := video(t)
	s.Switch(100, 0, 0)
	expect(t, s, 100, 0, 0, 1000, 5000)
	expect(t, s, 9000, 0, 0, 1002, 5000)
	refuse(t, s, 5000, 0, 0)
	expect(t, s, 9001, 0, 0, 1003, 5000)
}

func TestLookupFindsWhatWentOut(t *testing.T) {
	s := video(t)
	s.Switch(100, 0, 0)
	for i := range seq.Ext(10) {
		s.Packet(100+i, uint32(i), 0)
	}
	s.Packet(112, 12, 0) // 110 and 111 are missing
	first := s.Epoch()
	s.Switch(7, 0, 30*ms)
	s.Packet(7, 0, 30*ms)
	s.Inject()
	tests := []struct {
		name  string
		n     uint16
		ext   seq.Ext
		epoch uint16
		ok    bool
	}{
		{"the first packet", 1000, 100, first, true},
		{"one in the middle", 1004, 104, first, true},
		{"one that is missing", 1010, 0, 0, false},
		{"the one after the gap", 1012, 112, first, true},
		{"one of the new source", 1013, 7, first + 1, true},
		{"our own padding", 1014, 0, 0, false},
		{"one not yet sent", 1015, 0, 0, false},
		{"one before the first", 999, 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, ok := s.Lookup(tt.n)
			if ok != tt.ok || o.Ext != tt.ext || o.Epoch != tt.epoch || ok && o.Out.Seq() != tt.n {
				t.Errorf("got %+v %v", o, ok)
			}
		})
	}
	if o, _ := s.Lookup(1004); o.Out.TS != 5004 {
		t.Errorf("timestamp %d", o.Out.TS)
	}
}

func TestTwoSecondsAreRememberedWhateverTheRate(t *testing.T) {
	for _, perSecond := range []int{10, 60, 300, 480} {
		s, err := New(Options{Clock: seq.VideoClock, History: 1024, FirstSeq: 1000})
		if err != nil {
			t.Fatal(err)
		}
		s.Switch(1, 0, 0)
		for i := range 20 * perSecond {
			s.Packet(seq.Ext(1+i), 0, time.Duration(i)*time.Second/time.Duration(perSecond))
			back := min(i, 2*perSecond-1)
			if o, ok := s.Lookup(uint16(1000 + i - back)); !ok || o.Ext != seq.Ext(1+i-back) {
				t.Fatalf("at %d packets a second, number %d is forgotten after %d others (of %d places)", perSecond, i-back, back, len(s.places))
			}
		}
		if perSecond == 10 && len(s.places) != fewest {
			t.Errorf("a slow stream has %d places", len(s.places))
		}
	}
}

func TestTheRolloverIsCounted(t *testing.T) {
	s := video(t)
	s.Switch(1, 0, 0)
	for i := range seq.Ext(200_000) {
		o, ok := s.Packet(1+i, 0, 0)
		if !ok || o.Index != 1000+uint64(i) || o.ROC() != uint32(o.Index>>16) {
			t.Fatalf("packet %d: %+v", i, o)
		}
	}
	if _, ok := s.Lookup(uint16((200_999 - 64) & 0xffff)); ok {
		t.Error("a forgotten packet is found")
	}
	if o, ok := s.Lookup(uint16((200_999 - 63) & 0xffff)); !ok || o.Out.Index != 200_999-63 {
		t.Errorf("%+v %v", o, ok)
	}
}

func TestNothingAllocates(t *testing.T) {
	s := video(t)
	s.Switch(1, 0, 0)
	e := seq.Ext(1)
	if n := testing.AllocsPerRun(1000, func() {
		s.Packet(e+1, 0, 0)
		s.Packet(e, 0, 0)
		s.Drop(e+2, 0)
		s.Lookup(uint16(e))
		e += 3
		if e%100 == 1 {
			s.Switch(e, 0, 0)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPacket(b *testing.B) {
	s, _ := New(Options{Clock: seq.VideoClock, History: 512})
	s.Switch(1, 0, 0)
	e := seq.Ext(1)
	for b.Loop() {
		s.Packet(e, uint32(e), time.Duration(e))
		e++
	}
}

func BenchmarkLookup(b *testing.B) {
	s, _ := New(Options{Clock: seq.VideoClock, History: 512})
	s.Switch(1, 0, 0)
	for e := seq.Ext(1); e < 1000; e++ {
		s.Packet(e, uint32(e), time.Duration(e))
	}
	for b.Loop() {
		s.Lookup(900)
	}
}
