package rewrite

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"incamera/media/seq"
)

// arrival is a packet as the network brings it: late by some places, twice, or never.
type arrival struct {
	ext  seq.Ext
	ts   uint32
	drop bool // the forwarder leaves it out
	at   int
}

// network makes the arrivals of n packets from first on, and says which were lost.
func network(r *rand.Rand, first seq.Ext, n int, loss, late, twice, drops int) (list []arrival, lost map[seq.Ext]bool) {
	lost = map[seq.Ext]bool{}
	for i := range n {
		a := arrival{ext: first + seq.Ext(i), ts: uint32(i/3) * 3000, drop: i > 0 && r.IntN(100) < drops, at: 2 * i}
		if i > 0 && r.IntN(100) < loss {
			lost[a.ext] = true
			continue
		}
		if i > 0 && r.IntN(100) < late {
			a.at += 1 + r.IntN(16)
		}
		list = append(list, a)
		if r.IntN(100) < twice {
			a.at += r.IntN(8)
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b arrival) int { return a.at - b.at })
	return list, lost
}

// Whatever the network does: no number is used twice, order within a source is kept, the timestamp offset is constant
// within a source and timestamps go on at switches, every number without a packet belongs to one that was lost, and each
// recent number leads back to its packet.
func TestTheSlotIsOneStreamWhateverTheNetworkDoes(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		s, err := New(Options{Clock: seq.VideoClock, History: 256, FirstSeq: uint16(r.IntN(1 << 15)), FirstTS: r.Uint32()})
		if err != nil {
			t.Fatal(err)
		}
		used := map[uint64]seq.Ext{}
		now := time.Duration(0)
		high := uint64(s.o.FirstSeq) // next expected at a switch
		lastTS := uint32(0)
		for epoch := range 8 {
			first := seq.Ext(1<<16 + r.IntN(1<<20))
			list, lost := network(r, first, 50+r.IntN(300), r.IntN(20), r.IntN(40), r.IntN(10), r.IntN(50))
			base := r.Uint32()
			s.Switch(first, base, now)
			e := &epochCheck{t: t, s: s, used: used, seed: seed, offset: s.TSOffset(), start: high}
			for i, a := range list {
				now += time.Duration(r.IntN(10)) * time.Millisecond
				e.feed(a, base, now)
				if i == 0 && epoch > 0 && int32(base+e.offset-lastTS) < 900 {
					t.Fatalf("seed %d: the timestamp moved by %d", seed, int32(base+e.offset-lastTS))
				}
			}
			e.finish(lost)
			last, _ := s.Last()
			high, lastTS = last.Index+1, last.TS
			now += time.Duration(r.IntN(100)) * time.Millisecond
		}
	}
}

type epochCheck struct {
	t      *testing.T
	s      *Stream
	seed   uint64
	used   map[uint64]seq.Ext
	offset uint32
	start  uint64
	sent   []Out
	exts   []seq.Ext
	holes  int
}

func (e *epochCheck) feed(a arrival, base uint32, now time.Duration) {
	ts := base + a.ts
	if a.drop {
		if o, hole := e.s.Drop(a.ext, ts); hole {
			e.use(o, a.ext)
			e.holes++
		}
		return
	}
	o, ok := e.s.Packet(a.ext, ts, now)
	if !ok {
		if !slices.Contains(e.exts, a.ext) {
			e.t.Fatalf("seed %d: packet %d was refused", e.seed, a.ext)
		}
		return
	}
	if o.TS != ts+e.offset {
		e.t.Fatalf("seed %d: timestamp", e.seed)
	}
	e.use(o, a.ext)
	e.sent = append(e.sent, o)
	e.exts = append(e.exts, a.ext)
	if got, ok := e.s.Lookup(o.Seq()); !ok || got.Ext != a.ext || got.Out != o || got.Epoch != e.s.Epoch() {
		e.t.Fatalf("seed %d: lookup of %d gave %+v", e.seed, o.Seq(), got)
	}
}

func (e *epochCheck) use(o Out, ext seq.Ext) {
	if old, ok := e.used[o.Index]; ok {
		e.t.Fatalf("seed %d: number %d was used for %d and %d", e.seed, o.Index, old, ext)
	}
	e.used[o.Index] = ext
}

func (e *epochCheck) finish(lost map[seq.Ext]bool) {
	last, _ := e.s.Last()
	missing := 0
	prev := seq.Ext(0)
	for i := e.start; i <= last.Index; i++ {
		ext, ok := e.used[i]
		if !ok {
			missing++
			continue
		}
		if ext <= prev {
			e.t.Fatalf("seed %d: %d went out after %d", e.seed, ext, prev)
		}
		prev = ext
	}
	if missing > len(lost) {
		e.t.Fatalf("seed %d: %d holes for %d lost packets", e.seed, missing, len(lost))
	}
	if len(e.sent) > 0 && e.sent[0].Index != e.start {
		e.t.Fatalf("seed %d: began at %d, not %d", e.seed, e.sent[0].Index, e.start)
	}
}
