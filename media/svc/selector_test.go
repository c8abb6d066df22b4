package svc

import (
	"math/rand/v2"
	"testing"

	"incamera/media/codec"
	"incamera/media/rewrite"
	"incamera/media/seq"
)

// packet is one of a synthetic L3T3_KEY stream.
type packet struct {
	ext    seq.Ext
	ts     uint32
	facts  codec.Facts
	marker bool
	// What the decoder knows of the frame.
	pic  int
	refs []frame
	last bool // of its frame
}

type frame struct {
	pic int
	sid uint8
}

// pattern of the temporal layers: picture n modulo 4, and the distance to the picture it refers to.
var pattern = []struct {
	tid  uint8
	diff int
}{{0, 4}, {2, 1}, {1, 2}, {2, 1}}

// source makes the pictures of an encoder, key pictures where it is asked to.
type source struct {
	ext     seq.Ext
	pic     int
	since   int // pictures since the key picture
	layers  uint8
	packets int // of each frame, at most
}

func (s *source) picture(r *rand.Rand, key bool) (out []packet) {
	if key {
		s.since = 0
	}
	p := pattern[s.since%4]
	for sid := range s.layers {
		n := 1 + r.IntN(s.packets)
		for i := range n {
			s.ext++
			pkt := packet{ext: s.ext, ts: uint32(s.pic) * 3000, pic: s.pic, last: i == n-1, marker: sid == s.layers-1 && i == n-1}
			pkt.facts = codec.Facts{SID: sid, TID: p.tid, FrameStart: i == 0, FrameEnd: i == n-1, Opens: p.tid == 0}
			switch {
			case s.since == 0 && sid > 0:
				pkt.refs = []frame{{s.pic, sid - 1}}
			case s.since > 0:
				pkt.refs = []frame{{s.pic - p.diff, sid}}
			}
			pkt.facts.KeyStart = s.since == 0 && sid == 0 && i == 0
			out = append(out, pkt)
		}
	}
	s.pic++
	s.since++
	return out
}

// decoder holds the receiver's side to the rules that real ones were seen to need.
type decoder struct {
	t       *testing.T
	whole   map[frame]bool
	last    uint16
	began   bool
	ts      uint32
	marked  bool
	highest uint8
}

func (d *decoder) take(p packet, number uint16, marker bool) {
	if d.began && number != d.last+1 {
		d.t.Fatalf("picture %d: sequence number %d after %d", p.pic, number, d.last)
	}
	if d.began && p.ts != d.ts && !d.marked {
		d.t.Fatalf("picture %d begins, the one before has no marker", p.pic)
	}
	if d.began && p.ts == d.ts && d.marked {
		d.t.Fatalf("picture %d goes on after its marker", p.pic)
	}
	for _, ref := range p.refs {
		if !d.whole[ref] {
			d.t.Fatalf("picture %d, layer %d refers to picture %d, layer %d, which never came", p.pic, p.facts.SID, ref.pic, ref.sid)
		}
	}
	if p.last {
		d.whole[frame{p.pic, p.facts.SID}] = true
	}
	d.began, d.last, d.ts, d.marked, d.highest = true, number, p.ts, marker, p.facts.SID
}

func TestWhateverIsWishedADecoderNeverMeetsAGap(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		src := &source{layers: uint8(1 + r.IntN(3)), packets: 4}
		rw, err := rewrite.New(rewrite.Options{Clock: seq.VideoClock, History: 1024})
		if err != nil {
			t.Fatal(err)
		}
		d := &decoder{t: t, whole: map[frame]bool{}}
		var s Selector
		s.Aim(Layer{uint8(r.IntN(3)), uint8(r.IntN(3))})
		key := true
		for n := range 200 {
			picture := src.picture(r, key)
			if n == 0 {
				rw.Switch(picture[0].ext, picture[0].ts, 0)
				s.Switch(rw.Epoch())
			}
			key = s.Waits(src.layers-1) && r.IntN(3) == 0
			for _, p := range picture {
				if r.IntN(20) == 0 { // in the middle of a picture, as wishes come
					s.Aim(Layer{uint8(r.IntN(4)), uint8(r.IntN(4))})
				}
				forward, marker := s.Take(&p.facts, p.ts, p.marker)
				again, markerAgain := s.Again(rw.Epoch(), &p.facts, p.ts, p.marker)
				if forward != again || marker != markerAgain {
					t.Fatalf("seed %d: a retransmission of the same packet is judged otherwise", seed)
				}
				if !forward {
					rw.Drop(p.ext, p.ts)
					continue
				}
				out, ok := rw.Packet(p.ext, p.ts, 0)
				if !ok {
					t.Fatalf("seed %d: no place for a packet", seed)
				}
				d.take(p, out.Seq(), marker)
			}
		}
	}
}

func TestAWishIsReached(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	src := &source{layers: 3, packets: 2}
	var s Selector
	s.Switch(1)
	run := func(pictures int, key bool) Layer {
		for i := range pictures {
			for _, p := range src.picture(r, key && i == 0) {
				s.Take(&p.facts, p.ts, p.marker)
			}
		}
		return s.Now()
	}
	s.Aim(Layer{0, 0})
	if got := run(5, true); got != (Layer{0, 0}) {
		t.Fatal(got)
	}
	s.Aim(Layer{2, 2})
	if got := run(6, false); got != (Layer{0, 2}) || !s.Waits(2) {
		t.Fatalf("without a key picture only the temporal layers rise: %v", got)
	}
	if s.Waits(0) {
		t.Error("it waits for a layer that nobody sends")
	}
	if got := run(1, true); got != (Layer{2, 2}) || s.Waits(2) {
		t.Fatalf("with a key picture: %v", got)
	}
	s.Aim(Layer{1, 1})
	if got := run(1, false); got != (Layer{1, 1}) {
		t.Fatalf("down is at once: %v", got)
	}
}

func TestATemporalLayerIsJoinedWhereVP8SaysSo(t *testing.T) {
	var s Selector
	s.Aim(Layer{Everything, 0})
	s.Switch(1)
	s.Take(&codec.Facts{KeyStart: true, FrameStart: true}, 0, true)
	s.Aim(Layer{Everything, 2})
	if ok, _ := s.Take(&codec.Facts{FrameStart: true, TID: 2}, 3000, true); ok {
		t.Error("a frame was taken that may refer to what was left out")
	}
	if ok, _ := s.Take(&codec.Facts{FrameStart: true, TID: 1, SwitchUp: true}, 6000, true); !ok {
		t.Error("a frame that refers to the lowest layer only was left out")
	}
	if ok, _ := s.Take(&codec.Facts{FrameStart: true, TID: 2}, 9000, true); ok {
		t.Error("the next layer up was taken without its own entry")
	}
}

func TestALatePacketIsJudgedByItsPicture(t *testing.T) {
	var s Selector
	s.Aim(Layer{1, Everything})
	s.Switch(3)
	s.Take(&codec.Facts{KeyStart: true, FrameStart: true}, 0, false)
	s.Aim(Layer{0, Everything})
	s.Take(&codec.Facts{FrameStart: true, FrameEnd: true}, 3000, false)
	upper := &codec.Facts{SID: 1, FrameEnd: true}
	if ok, marker := s.Take(upper, 0, true); !ok || !marker {
		t.Error("the end of a picture that was forwarded whole is missing")
	}
	if ok, _ := s.Take(upper, 3000, true); ok {
		t.Error("the upper layer of a picture that was cut came late and was forwarded")
	}
	if ok, _ := s.Again(2, upper, 0, true); ok {
		t.Error("a packet of an epoch that is forgotten was forwarded")
	}
}

func TestNothingAllocates(t *testing.T) {
	var s Selector
	ts := uint32(0)
	if n := testing.AllocsPerRun(200, func() {
		ts += 3000
		s.Aim(Layer{uint8(ts / 3000 % 3), 1})
		s.Take(&codec.Facts{KeyStart: true, FrameStart: true}, ts, true)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
