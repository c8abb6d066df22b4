package ring

import (
	"math/rand/v2"
	"testing"
	"time"

	"incamera/media/seq"
)

const ms = time.Millisecond

func mustNew(t testing.TB, n int) *Ring {
	t.Helper()
	r, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type packet struct {
	ext seq.Ext
	ts  uint32
	key bool
	at  time.Duration
}

// put stores a packet whose payload is its own number.
func put(r *Ring, p packet) bool {
	s := r.Reserve(p.ext)
	if s == nil {
		return false
	}
	s.TS, s.Arrival, s.Facts.KeyStart = p.ts, p.at, p.key
	s.HeaderLen, s.PayloadLen = 12, 8
	for i := range 8 {
		s.Buf[12+i] = byte(p.ext >> (8 * i))
	}
	r.Commit(s)
	return true
}

func holds(r *Ring, ext seq.Ext) bool {
	s := r.Get(ext)
	if s == nil {
		return false
	}
	for i, b := range s.Payload() {
		if b != byte(ext>>(8*i)) {
			return false
		}
	}
	return true
}

func TestSizesThatAreNoPowerOfTwoAreRefused(t *testing.T) {
	for _, n := range []int{0, 1, 15, 100, 16384, -8} {
		if _, err := New(n); err == nil {
			t.Errorf("%d slots were accepted", n)
		}
	}
}

func TestAReservedPacketThatIsNotCommittedHarmsNothing(t *testing.T) {
	r := mustNew(t, 16)
	for e := seq.Ext(100); e < 116; e++ {
		put(r, packet{ext: e})
	}
	s := r.Reserve(50_000) // forged
	for i := range s.Buf {
		s.Buf[i] = 0xff
	}
	for e := seq.Ext(100); e < 116; e++ {
		if !holds(r, e) {
			t.Fatalf("packet %d was harmed", e)
		}
	}
	if r.Highest() != 115 || r.Get(50_000) != nil {
		t.Error("the forged packet left a trace")
	}
	s.Ext = 7
	if r.Commit(&Slot{Ext: 9}); r.Get(9) != nil {
		t.Error("a slot from elsewhere was taken in")
	}
}

func TestDuplicatesAndPacketsTooOldAreRefused(t *testing.T) {
	r := mustNew(t, 16)
	put(r, packet{ext: 100})
	if put(r, packet{ext: 100}) {
		t.Error("a duplicate was taken")
	}
	put(r, packet{ext: 120})
	if put(r, packet{ext: 104}) {
		t.Error("a packet out of reach was taken")
	}
	if !put(r, packet{ext: 105}) {
		t.Error("the oldest packet in reach was refused")
	}
	if r.Reserve(0) != nil || r.Get(0) != nil {
		t.Error("zero is a packet")
	}
}

func TestTheGenerationChangesWhenASlotIsGivenAway(t *testing.T) {
	r := mustNew(t, 16)
	put(r, packet{ext: 100})
	s := r.Get(100)
	gen := s.Gen
	for e := seq.Ext(101); e < 200 && s.Gen == gen; e++ {
		put(r, packet{ext: e})
	}
	if s.Gen == gen {
		t.Error("the slot was reused in silence")
	}
}

func TestReplay(t *testing.T) {
	key := func(e seq.Ext, ts uint32) packet { return packet{ext: e, ts: ts, key: true, at: 10 * ms} }
	delta := func(e seq.Ext, ts uint32) packet { return packet{ext: e, ts: ts} }
	tests := []struct {
		name    string
		packets []packet
		forget  int // ForgetKey after so many packets, 0: never
		first   seq.Ext
		count   int
	}{
		{"an empty ring has nothing to replay", nil, 0, 0, 0},
		{"without a key frame there is nothing to replay", []packet{delta(1, 1), delta(2, 2)}, 0, 0, 0},
		{"from the key frame to the end", []packet{delta(1, 1), key(2, 2), delta(3, 2), delta(4, 3)}, 0, 2, 3},
		{"the newest key frame counts", []packet{key(1, 1), delta(2, 2), key(3, 3), delta(4, 4)}, 0, 3, 2},
		{"a hole forbids it", []packet{key(1, 1), delta(3, 3)}, 0, 0, 0},
		{"a late packet fills the hole", []packet{key(1, 1), delta(3, 3), delta(2, 2)}, 0, 1, 3},
		{"holes before the key frame do not matter", []packet{delta(1, 1), key(9, 9), delta(10, 9)}, 0, 9, 2},
		{"a late key frame makes it possible", []packet{delta(2, 2), delta(3, 3), key(1, 1)}, 0, 1, 3},
		{"an older key frame that comes late does not count", []packet{key(5, 5), key(4, 4)}, 0, 5, 1},
		{"the first packet of the frame counts, not a later part", []packet{key(1, 1), key(2, 1), delta(3, 1)}, 0, 1, 3},
		{"the first part may come late", []packet{key(2, 1), delta(3, 1), key(1, 1)}, 0, 1, 3},
		{"a key frame pushed out is gone", []packet{key(1, 1), delta(17, 2)}, 0, 0, 0},
		{"forgetting the key frame forbids it", []packet{key(1, 1), delta(2, 2)}, 2, 0, 0},
		{"a key frame recovered from before the forgetting does not count", []packet{delta(2, 2), delta(3, 3), key(1, 1)}, 2, 0, 0},
		{"the key frame after the forgetting counts", []packet{key(1, 1), key(2, 2), delta(3, 3)}, 1, 2, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := mustNew(t, 16)
			for i, p := range tt.packets {
				put(r, p)
				if i+1 == tt.forget {
					r.ForgetKey()
				}
				r.ReplayFrom(0) // asking in between changes nothing
			}
			rp, ok := r.ReplayFrom(30 * ms)
			if ok != (tt.count > 0) || rp.First != tt.first || rp.Packets != tt.count || rp.Bytes != tt.count*20 {
				t.Fatalf("got %+v %v", rp, ok)
			}
			if ok && (rp.Age != 20*ms || rp.Last != r.Highest()) {
				t.Errorf("got %+v", rp)
			}
		})
	}
}

func TestUnderLossReorderAndDuplicatesTheRingAgreesWithAMap(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		const n = 64
		r := mustNew(t, n)
		model := map[seq.Ext]packet{}
		high := seq.Ext(0)
		for i := range 3000 {
			e := max(seq.Ext(1000+i)-seq.Ext(rnd.IntN(90)), 1) + seq.Ext(rnd.IntN(10))
			if rnd.IntN(2) == 0 {
				e = seq.Ext(1000 + i)
			}
			p := packet{ext: e, ts: uint32(e), key: e%50 == 0}
			_, held := model[e]
			fits := e+n > high
			if put(r, p) != (fits && !held) {
				t.Fatalf("seed %d: packet %d, high %d", seed, e, high)
			}
			if fits {
				model[e] = p
				high = max(high, e)
			}
			for k := range model {
				if k+n <= high {
					delete(model, k)
				}
			}
			if i%10 == 0 {
				check(t, r, model, high, n)
			}
		}
	}
}

func check(t *testing.T, r *Ring, model map[seq.Ext]packet, high seq.Ext, n seq.Ext) {
	t.Helper()
	key := seq.Ext(0)
	for e := range model {
		if !holds(r, e) {
			t.Fatalf("packet %d is lost", e)
		}
		if model[e].key {
			key = max(key, e)
		}
	}
	want := key != 0
	for e := key; want && e <= high; e++ {
		_, want = model[e]
	}
	if rp, ok := r.ReplayFrom(0); ok != want || ok && rp.First != key {
		t.Fatalf("replay %+v %v, want %v from %d to %d", rp, ok, want, key, high)
	}
}

func TestARingHoldsSomeSecondsWhateverTheRate(t *testing.T) {
	for _, tt := range []struct{ perSecond, slots int }{{10, 64}, {20, 64}, {55, 256}, {150, 512}, {300, 512}} {
		r, err := NewGrowing(64, 512, 3*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 * tt.perSecond {
			e := seq.Ext(1000 + i)
			put(r, packet{ext: e, at: time.Duration(i) * time.Second / time.Duration(tt.perSecond)})
			for back := range seq.Ext(min(i, 3*tt.perSecond, 511)) {
				if !holds(r, e-back) {
					t.Fatalf("%d packets a second: packet %d is gone after %d others", tt.perSecond, i-int(back), back)
				}
			}
		}
		if len(r.at) != tt.slots {
			t.Errorf("%d packets a second take %d slots", tt.perSecond, len(r.at))
		}
	}
}

func TestARingGrowsForWhatIsMissing(t *testing.T) {
	r, err := NewGrowing(64, 512, 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	put(r, packet{ext: 1000, key: true})
	put(r, packet{ext: 1200, at: ms})
	for e := seq.Ext(1199); e > 1000; e-- { // the repairs
		if !put(r, packet{ext: e, at: 30 * ms}) {
			t.Fatalf("packet %d has no place", e)
		}
	}
	if run, ok := r.ReplayFrom(40 * ms); !ok || run.Packets != 201 {
		t.Errorf("%+v %v", run, ok)
	}
	for _, wrong := range [][2]int{{8, 64}, {64, 32}, {60, 64}, {64, 100}, {64, 16384}} {
		if _, err := NewGrowing(wrong[0], wrong[1], time.Second); err == nil {
			t.Errorf("%v is accepted", wrong)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	r := mustNew(t, 512)
	e := seq.Ext(1)
	if n := testing.AllocsPerRun(2000, func() {
		put(r, packet{ext: e, key: e%100 == 0})
		r.Get(e)
		r.ReplayFrom(0)
		e++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReserveCommitGet(b *testing.B) {
	r := mustNew(b, 1024)
	e := seq.Ext(1)
	for b.Loop() {
		s := r.Reserve(e)
		s.HeaderLen, s.PayloadLen = 12, 1000
		r.Commit(s)
		r.Get(e)
		e++
	}
}
