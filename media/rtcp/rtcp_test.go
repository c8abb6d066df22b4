package rtcp

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	pion "github.com/pion/rtcp"
)

func read(t *testing.T, buf []byte) *Reader {
	t.Helper()
	r := NewReader(buf)
	if !r.Next() {
		t.Fatal(r.Err())
	}
	return &r
}

func marshal(t testing.TB, p pion.Packet) []byte {
	t.Helper()
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPionsPacketsAreRead(t *testing.T) {
	t.Run("a sender report", func(t *testing.T) {
		r := read(t, marshal(t, &pion.SenderReport{SSRC: 1, NTPTime: 1 << 40, RTPTime: 3, PacketCount: 4, OctetCount: 5,
			Reports: []pion.ReceptionReport{{SSRC: 6, FractionLost: 7, TotalLost: 8, LastSequenceNumber: 9, Jitter: 10, LastSenderReport: 11, Delay: 12}}}))
		s, ok := r.Sender()
		if r.Kind() != SR || !ok || s != (SenderInfo{1, 1 << 40, 3, 4, 5}) || r.Blocks() != 1 {
			t.Errorf("%+v", s)
		}
		if b := r.Block(0); b != (Block{6, 7, 8, 9, 10, 11, 12}) {
			t.Errorf("%+v", b)
		}
	})
	t.Run("a receiver report with two blocks", func(t *testing.T) {
		r := read(t, marshal(t, &pion.ReceiverReport{SSRC: 1, Reports: []pion.ReceptionReport{{SSRC: 2}, {SSRC: 3, TotalLost: 5}}}))
		if r.Kind() != RR || r.SSRC() != 1 || r.Blocks() != 2 || r.Block(1).SSRC != 3 || r.Block(1).Lost != 5 {
			t.Error(r.Kind(), r.Blocks())
		}
		if _, ok := r.Sender(); ok {
			t.Error("it has sender info")
		}
	})
	t.Run("a NACK", func(t *testing.T) {
		want := []uint16{10, 11, 20, 26, 65535, 3}
		r := read(t, marshal(t, &pion.TransportLayerNack{SenderSSRC: 1, MediaSSRC: 2, Nacks: pion.NackPairsFromSequenceNumbers(want)}))
		var got []uint16
		for i := range r.NACKs() {
			got = r.NACK(i).Append(got)
		}
		if r.Kind() != NACK || r.Media() != 2 || !slices.Equal(got, want) {
			t.Error(got)
		}
	})
	t.Run("a PLI", func(t *testing.T) {
		r := read(t, marshal(t, &pion.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 2}))
		if r.Kind() != PLI || r.Targets() != 1 || r.Target(0) != 2 || r.SSRC() != 1 {
			t.Error(r.Kind(), r.Target(0))
		}
	})
	t.Run("a FIR", func(t *testing.T) {
		r := read(t, marshal(t, &pion.FullIntraRequest{SenderSSRC: 1, FIR: []pion.FIREntry{{SSRC: 5, SequenceNumber: 1}, {SSRC: 6}}}))
		if r.Kind() != FIR || r.Targets() != 2 || r.Target(1) != 6 {
			t.Error(r.Kind(), r.Targets())
		}
	})
	t.Run("a REMB", func(t *testing.T) {
		r := read(t, marshal(t, &pion.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: 8927168, SSRCs: []uint32{7, 8}}))
		if r.Kind() != REMB || r.Bitrate() != 8927168 || r.Targets() != 2 || r.Target(1) != 8 {
			t.Error(r.Kind(), r.Bitrate())
		}
	})
	t.Run("a BYE", func(t *testing.T) {
		r := read(t, marshal(t, &pion.Goodbye{Sources: []uint32{3, 4}, Reason: "gone"}))
		if r.Kind() != Bye || r.Targets() != 2 || r.Target(1) != 4 {
			t.Error(r.Kind(), r.Targets())
		}
	})
	t.Run("an extended report is passed over", func(t *testing.T) {
		b := marshal(t, &pion.ExtendedReport{SenderSSRC: 1})
		b = append(b, marshal(t, &pion.PictureLossIndication{MediaSSRC: 2})...)
		r := read(t, b)
		if r.Kind() != Other || !r.Next() || r.Kind() != PLI || r.Next() || r.Err() != nil {
			t.Error(r.Kind(), r.Err())
		}
	})
}

func TestBrokenPacketsEndTheWalk(t *testing.T) {
	tests := []struct {
		name string
		buf  []byte
		err  error
	}{
		{"nothing at all is no error", nil, nil},
		{"less than a header", []byte{0x80, 200, 0}, ErrShort},
		{"version 1", []byte{0x40, 200, 0, 0}, ErrVersion},
		{"a length beyond the packet", []byte{0x80, 201, 0, 9, 0, 0, 0, 1}, ErrLength},
		{"a sender report without its body", []byte{0x80, 200, 0, 1, 0, 0, 0, 1}, ErrLength},
		{"a receiver report without its block", []byte{0x81, 201, 0, 1, 0, 0, 0, 1}, ErrLength},
		{"a BYE without its sources", []byte{0x9f, 203, 0, 0}, ErrLength},
		{"a NACK without an item", []byte{0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}, ErrLength},
		{"a PLI without media", []byte{0x81, 206, 0, 1, 0, 0, 0, 1}, ErrLength},
		{"a REMB that names more than it has", append([]byte{0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0}, 'R', 'E', 'M', 'B', 9, 0, 0, 0), ErrLength},
		{"padding longer than the part", []byte{0xa0, 201, 0, 1, 0, 0, 0, 9}, ErrLength},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader(tt.buf)
			for r.Next() {
			}
			if !errors.Is(r.Err(), tt.err) {
				t.Errorf("got %v", r.Err())
			}
			if r.Next() {
				t.Error("it goes on after the end")
			}
		})
	}
}

func TestPionReadsWhatIsWritten(t *testing.T) {
	block := Block{SSRC: 6, FractionLost: 7, Lost: 8, HighestSeq: 9, Jitter: 10, LSR: 11, DLSR: 12}
	buf := make([]byte, 0, 1500)
	buf = AppendSR(buf, SenderInfo{1, 1 << 40, 3, 4, 5}, []Block{block})
	buf = AppendSDES(buf, 1, "cname")
	buf = AppendRR(buf, 2, []Block{block, block})
	buf, rest := AppendNACK(buf, 1, 2, []uint16{65530, 65530, 3, 4, 30}, 1000)
	buf = AppendPLI(buf, 1, 2)
	buf = AppendBye(buf, 9)
	if len(rest) != 0 {
		t.Fatal(rest)
	}
	ps, err := pion.Unmarshal(buf)
	if err != nil || len(ps) != 6 {
		t.Fatal(err, len(ps))
	}
	sr := ps[0].(*pion.SenderReport)
	if sr.SSRC != 1 || sr.NTPTime != 1<<40 || sr.RTPTime != 3 || sr.Reports[0].TotalLost != 8 || sr.Reports[0].Delay != 12 {
		t.Errorf("%+v", sr)
	}
	if d := ps[1].(*pion.SourceDescription); d.Chunks[0].Source != 1 || d.Chunks[0].Items[0].Text != "cname" {
		t.Errorf("%+v", d)
	}
	if rr := ps[2].(*pion.ReceiverReport); rr.SSRC != 2 || len(rr.Reports) != 2 || rr.Reports[1].Jitter != 10 {
		t.Errorf("%+v", rr)
	}
	var got []uint16
	for _, n := range ps[3].(*pion.TransportLayerNack).Nacks {
		got = append(got, n.PacketList()...)
	}
	if !slices.Equal(got, []uint16{65530, 3, 4, 30}) {
		t.Error(got)
	}
	if p := ps[4].(*pion.PictureLossIndication); p.SenderSSRC != 1 || p.MediaSSRC != 2 {
		t.Errorf("%+v", p)
	}
	if b := ps[5].(*pion.Goodbye); b.Sources[0] != 9 {
		t.Errorf("%+v", b)
	}
}

func TestPionReadsTheLimitOfASender(t *testing.T) {
	for _, rate := range []uint64{64_000, 112_500, 1 << 18, 1_000_000_000} {
		parts, err := pion.Unmarshal(AppendREMB(nil, 1, 7, rate))
		if err != nil || len(parts) != 1 {
			t.Fatal(parts, err)
		}
		remb, ok := parts[0].(*pion.ReceiverEstimatedMaximumBitrate)
		if !ok || len(remb.SSRCs) != 1 || remb.SSRCs[0] != 7 || remb.SenderSSRC != 1 {
			t.Fatalf("%+v", parts[0])
		}
		if got := float64(remb.Bitrate); got > float64(rate) || got < 0.9999*float64(rate) {
			t.Errorf("told %d, read %v", rate, got)
		}
	}
}

func TestACNAMEOfAnyLengthIsAligned(t *testing.T) {
	for n := range 300 {
		b := AppendSDES(nil, 1, string(bytes.Repeat([]byte{'a'}, n)))
		var d pion.SourceDescription
		if len(b)%4 != 0 || d.Unmarshal(b) != nil || len(d.Chunks[0].Items[0].Text) != min(n, 255) {
			t.Fatalf("length %d", n)
		}
	}
}

func TestNegativeLossSurvives(t *testing.T) {
	b := AppendRR(nil, 1, []Block{{Lost: -5}, {Lost: -1 << 30}, {Lost: 1 << 30}})
	r := read(t, b)
	if r.Block(0).Lost != -5 || r.Block(1).Lost != -1<<23 || r.Block(2).Lost != 1<<23-1 {
		t.Error(r.Block(0).Lost, r.Block(1).Lost, r.Block(2).Lost)
	}
}

func TestALongNACKIsSplitAndLosesNothing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		var want []uint16
		for s, n := uint16(rnd.Uint32()), rnd.IntN(200); n > 0; n-- {
			s += uint16(1 + rnd.IntN(30))
			want = append(want, s)
		}
		var got []uint16
		limit := 16 + rnd.IntN(60)
		for rest := want; len(rest) > 0; {
			var b []byte
			b, rest = AppendNACK(nil, 1, 2, rest, limit)
			if len(b) > limit {
				t.Fatalf("%d bytes of %d", len(b), limit)
			}
			r := read(t, b)
			for i := range r.NACKs() {
				got = r.NACK(i).Append(got)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	buf := make([]byte, 0, 1500)
	blocks := []Block{{SSRC: 1}, {SSRC: 2}}
	seqs := []uint16{1, 2, 50}
	list := make([]uint16, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		b := AppendSR(buf, SenderInfo{}, blocks)
		b = AppendSDES(b, 1, "cname")
		b = AppendRR(b, 1, blocks)
		b, _ = AppendNACK(b, 1, 2, seqs, 100)
		b = AppendPLI(b, 1, 2)
		r := NewReader(b)
		list = list[:0]
		for r.Next() {
			for i := range r.Blocks() {
				_ = r.Block(i)
			}
			for i := range r.NACKs() {
				list = r.NACK(i).Append(list)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(AppendSR(nil, SenderInfo{}, []Block{{}}))
	f.Add(AppendSDES(nil, 1, "abc"))
	nack, _ := AppendNACK(nil, 1, 2, []uint16{1, 2, 30}, 100)
	f.Add(nack)
	f.Add(AppendPLI(AppendBye(nil, 1), 1, 2))
	f.Add(append([]byte{0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0}, 'R', 'E', 'M', 'B', 1, 0xff, 0xff, 0xff, 0, 0, 0, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(b)
		for r.Next() {
			_, _ = r.Sender()
			_ = r.SSRC() + r.Media()
			_ = r.Bitrate()
			for i := -1; i <= r.Blocks(); i++ {
				_ = r.Block(i)
			}
			for i := -1; i <= r.NACKs(); i++ {
				_ = r.NACK(i).Append(nil)
			}
			for i := -1; i <= r.Targets(); i++ {
				_ = r.Target(i)
			}
		}
	})
}

func BenchmarkReader(b *testing.B) {
	buf := AppendPLI(AppendRR(nil, 1, []Block{{}, {}}), 1, 2)
	for b.Loop() {
		r := NewReader(buf)
		for r.Next() {
			for i := range r.Blocks() {
				_ = r.Block(i)
			}
		}
	}
}
