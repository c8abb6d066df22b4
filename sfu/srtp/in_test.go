package srtp

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

func TestReplayedAndTooOldPacketsAreRefused(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o, in := newOut(t, p), newIn(t, p, InOptions{})
		pkts := map[uint64][]byte{}
		for i := uint64(65000); i < 68000; i++ { // across a wrap
			pkts[i] = sealAt(t, o, 1, i)
		}
		open := func(i uint64) error {
			_, _, err := in.Open(make([]byte, 100), pkts[i], 12)
			return err
		}
		for _, step := range []struct {
			index uint64
			want  error
		}{
			{65000, nil}, {65000, ErrReplayed}, {65400, nil}, {65001, nil}, {65001, ErrReplayed},
			{65536 + 100, nil}, {65535, nil}, {65535, ErrReplayed}, {65536, nil}, {65536 + 100, ErrReplayed},
			{67900, nil}, {67900 - windowSize, ErrReplayed}, {67900 - windowSize + 1, nil},
			{67900 - windowSize + 1, ErrReplayed}, {67899, nil}, {67900, ErrReplayed},
		} {
			if err := open(step.index); err != step.want {
				t.Fatalf("index %d: %v, want %v", step.index, err, step.want)
			}
		}
	})
}

// The window against a model that remembers everything.
func TestWindowAgreesWithAModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		top := uint64(rng.IntN(1 << 20))
		var w window
		w.reset(top)
		seen := map[uint64]bool{top: true}
		for range 5000 {
			index := top
			switch rng.IntN(10) {
			case 0:
				index += uint64(rng.IntN(3000))
			case 1, 2, 3:
				index += uint64(rng.IntN(3))
			default:
				index -= min(top, uint64(rng.IntN(1200)))
			}
			want := index > top || (top-index < windowSize && !seen[index])
			if got := w.fresh(index); got != want {
				t.Fatalf("fresh(%d) = %v with top %d", index, got, top)
			}
			if want {
				w.accept(index)
				seen[index] = true
				top = max(top, index)
			}
			if w.highest != top {
				t.Fatalf("highest %d, want %d", w.highest, top)
			}
		}
	}
}

func TestIndexEstimation(t *testing.T) {
	for _, tc := range []struct {
		highest uint64
		seq     uint16
		want    uint64
	}{
		{100, 101, 101},
		{100, 99, 99},
		{100, 40000, 40000},                      // a jump in the first cycle is no ROC of -1
		{0x7fff, 0xffff, 0xffff},                 // exactly half a cycle ahead
		{0xffff, 0, 0x10000},                     // wrap
		{0x8000, 0, 0},                           // exactly half a cycle behind
		{0x8001, 0, 0x10000},                     // more than half: the next cycle
		{0x10000, 0xffff, 0xffff},                // late, from before the wrap
		{0x17fff, 0xffff, 0x1ffff},               // half a cycle ahead again
		{0x17ffe, 0xffff, 0xffff},                // one more: from the cycle before
		{maxIndex, 0xfffe, maxIndex - 1},         // at the end of all cycles
		{maxIndex, 0, maxIndex + 1},              // and over it
		{5<<16 | 0x9000, 0x0800, 6<<16 | 0x0800}, // any cycle
	} {
		w := window{highest: tc.highest}
		if got := w.estimate(tc.seq); got != tc.want {
			t.Errorf("highest %#x, seq %#x: %#x, want %#x", tc.highest, tc.seq, got, tc.want)
		}
	}
}

func TestNothingChangesBeforeAuthentication(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o, in := newOut(t, p), newIn(t, p, InOptions{MaxSources: 2})
		first := sealAt(t, o, 1, 1000)
		if _, _, err := in.Open(make([]byte, 100), first, 12); err != nil {
			t.Fatal(err)
		}
		// Forgeries: every single byte flipped, then a far jump, then new sources.
		second := sealAt(t, o, 1, 1001)
		for i := range second {
			forged := bytes.Clone(second)
			forged[i] ^= 0x40
			if _, _, err := in.Open(make([]byte, 100), forged, 12); err == nil {
				t.Fatalf("byte %d of a packet may be forged", i)
			}
		}
		for ssrc := range uint32(100) {
			forged := append(header(ssrc, 50000, 0, -1), payload(60)...)
			if _, _, err := in.Open(make([]byte, 100), forged, 12); err != ErrAuth {
				t.Fatalf("forged source %d: %v", ssrc, err)
			}
		}
		if len(in.rtp.windows) != 1 || in.rtp.windows[1].highest != 1000 {
			t.Fatal("a forgery changed the state")
		}
		if _, index, err := in.Open(make([]byte, 100), second, 12); err != nil || index != 1001 {
			t.Fatalf("the real packet after them: %d, %v", index, err)
		}

		pkt := rtcpPacket(1, 5)
		sealed := make([]byte, len(pkt)+o.RTCPOverhead())
		if _, err := o.SealRTCP(sealed, pkt); err != nil {
			t.Fatal(err)
		}
		for i := range sealed {
			forged := bytes.Clone(sealed)
			forged[i] ^= 0x01
			if _, err := in.OpenRTCP(make([]byte, 200), forged); err == nil {
				t.Fatalf("byte %d of an SRTCP packet may be forged", i)
			}
		}
		if len(in.rtcp.windows) != 0 {
			t.Fatal("a forgery changed the SRTCP state")
		}
		if _, err := in.OpenRTCP(sealed, sealed); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSourcesAreBounded(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o, in := newOut(t, p), newIn(t, p, InOptions{MaxSources: 3})
		dst := make([]byte, 200)
		for ssrc := range uint32(5) {
			want := error(nil)
			if ssrc >= 3 {
				want = ErrTooManySources
			}
			if _, _, err := in.Open(dst, sealAt(t, o, ssrc, 7), 12); err != want {
				t.Errorf("source %d: %v", ssrc, err)
			}
			if _, err := in.Peek(ssrc+100, 7); (err == ErrTooManySources) != (ssrc >= 2) {
				t.Errorf("Peek beside source %d: %v", ssrc, err)
			}
			pkt := rtcpPacket(ssrc, 1)
			n, _ := o.SealRTCP(dst, pkt)
			if _, err := in.OpenRTCP(dst, dst[:n]); err != want {
				t.Errorf("SRTCP source %d: %v", ssrc, err)
			}
		}
		// The known ones go on.
		if _, _, err := in.Open(dst, sealAt(t, o, 0, 8), 12); err != nil {
			t.Error(err)
		}
	})
}

func TestSRTCPReplayAndPlainSRTCPAreRefused(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o, in := newOut(t, p), newIn(t, p, InOptions{})
		var pkts [][]byte
		for range 3 {
			pkt := rtcpPacket(4, 2)
			sealed := make([]byte, len(pkt)+o.RTCPOverhead())
			if _, err := o.SealRTCP(sealed, pkt); err != nil {
				t.Fatal(err)
			}
			pkts = append(pkts, sealed)
		}
		dst := make([]byte, 100)
		for _, step := range []struct {
			i    int
			want error
		}{{2, nil}, {0, nil}, {0, ErrReplayed}, {2, ErrReplayed}, {1, nil}, {1, ErrReplayed}} {
			if _, err := in.OpenRTCP(dst, pkts[step.i]); err != step.want {
				t.Errorf("packet %d: %v, want %v", step.i, err, step.want)
			}
		}
		at := len(pkts[0]) - 4
		if p == ProfileAES128CM {
			at -= cmTagLen
		}
		pkts[0][at] &^= 0x80
		if _, err := in.OpenRTCP(dst, pkts[0]); err != ErrUnencrypted {
			t.Errorf("without the E bit: %v", err)
		}
	})
}

func TestHostileLengthsAreMalformed(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o, in := newOut(t, p), newIn(t, p, InOptions{})
		hdr := header(1, 5, 2, 3)
		pkt := seal(t, o, hdr, payload(30), 0)
		dst := make([]byte, 200)
		for hdrLen := -5; hdrLen < len(pkt)+40; hdrLen++ {
			if hdrLen == len(hdr) {
				continue
			}
			if _, _, err := in.Open(dst, pkt, hdrLen); err != ErrMalformed {
				t.Fatalf("header length %d: %v", hdrLen, err)
			}
		}
		for n := range len(pkt) {
			if _, _, err := in.Open(dst, pkt[:n], len(hdr)); err != ErrMalformed && err != ErrAuth {
				t.Fatalf("cut to %d: %v", n, err)
			}
			if _, err := in.OpenRTCP(dst, pkt[:n]); err == nil {
				t.Fatalf("SRTP cut to %d taken for SRTCP", n)
			}
		}
		if _, _, err := in.Open(dst[:len(pkt)-o.Overhead()-1], pkt, len(hdr)); err != ErrShortBuffer {
			t.Errorf("short buffer: %v", err)
		}
		// An extension that reaches into the tag, one past the end, and none at all.
		for _, words := range []uint16{9, 11, 14, 15, 0xffff} {
			bad := bytes.Clone(pkt)
			binary.BigEndian.PutUint16(bad[22:], words)
			if _, _, err := in.Open(dst, bad, 24+4*int(words)); err != ErrMalformed && err != ErrAuth {
				t.Errorf("extension of %d words: %v", words, err)
			}
		}
		if _, _, err := in.Open(dst, pkt, len(hdr)); err != nil {
			t.Errorf("the packet itself: %v", err)
		}
		rtcp := make([]byte, 8+o.RTCPOverhead())
		if n, err := o.SealRTCP(rtcp, rtcpPacket(1, 0)); err != nil || n != len(rtcp) {
			t.Fatal(n, err)
		}
		for n := range len(rtcp) {
			if _, err := in.OpenRTCP(dst, rtcp[:n]); err != ErrMalformed {
				t.Fatalf("SRTCP cut to %d: %v", n, err)
			}
		}
		if _, err := in.OpenRTCP(dst[:7], rtcp); err != ErrShortBuffer {
			t.Errorf("short SRTCP buffer: %v", err)
		}
		if _, err := in.OpenRTCP(dst, rtcp); err != nil {
			t.Errorf("the SRTCP packet itself: %v", err)
		}
	})
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, p := range []Profile{ProfileAES128GCM, ProfileAES256GCM} {
		o, in := newOut(t, p), newIn(t, p, InOptions{})
		s, err := o.Stream(1)
		if err != nil {
			t.Fatal(err)
		}
		arena, slot, body := make([]byte, 1500), make([]byte, 1500), payload(1100)
		rtcp := rtcpPacket(1, 20)
		copy(arena, header(1, 0, 1, 3))
		seq := uint16(0)
		allocs := testing.AllocsPerRun(1000, func() {
			binary.BigEndian.PutUint16(arena[2:], seq)
			n, err := s.Seal(arena, 32, body, 0, seq)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err = in.Open(slot, arena[:n], 32); err != nil {
				t.Fatal(err)
			}
			if _, _, err = in.Open(slot, arena[:n], 32); err != ErrReplayed {
				t.Fatal(err)
			}
			n, err = o.SealRTCP(slot, rtcp)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = in.OpenRTCP(slot, slot[:n]); err != nil {
				t.Fatal(err)
			}
			slot[4]++
			if _, err = in.OpenRTCP(slot, slot[:n]); err == nil {
				t.Fatal("forged SRTCP opened")
			}
			seq++
		})
		if allocs != 0 {
			t.Errorf("%v: %v allocations per packet", p, allocs)
		}
	}
}

func TestOnlyAPacketAboveAllOthersIsTheNewest(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o, in := newOut(t, p), newIn(t, p, InOptions{})
		if !in.Newest(1, 65535) {
			t.Fatal("the first packet of a source is not its newest")
		}
		if _, _, err := in.Open(make([]byte, 100), sealAt(t, o, 1, 65535), 12); err != nil {
			t.Fatal(err)
		}
		for seq, want := range map[uint16]bool{65534: false, 65535: false, 0: true, 40: true} {
			if in.Newest(1, seq) != want {
				t.Errorf("sequence number %d after 65535: %v", seq, !want)
			}
		}
		plain := []byte{0x80, 201, 0, 1, 0, 0, 0, 1}
		first, second := make([]byte, len(plain)+p.RTCPOverhead()), make([]byte, len(plain)+p.RTCPOverhead())
		for _, dst := range [][]byte{first, second} {
			if _, err := o.SealRTCP(dst, plain); err != nil {
				t.Fatal(err)
			}
		}
		if !in.NewestRTCP(first) || in.NewestRTCP(first[:8]) {
			t.Error("a first report, or a cut one")
		}
		if _, err := in.OpenRTCP(make([]byte, 100), second); err != nil {
			t.Fatal(err)
		}
		if in.NewestRTCP(first) || in.NewestRTCP(second) {
			t.Error("an older report is the newest")
		}
	})
}
