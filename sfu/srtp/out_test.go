package srtp

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// The rule that must never break: no (SSRC, ROC, sequence number) is sealed
// twice under one Out, whatever order of calls is tried.
func TestNoPacketIndexIsEverSealedTwice(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o := newOut(t, p)
		rng := rand.New(rand.NewPCG(1, 2))
		type nonce struct {
			ssrc  uint32
			index uint64
		}
		used := map[nonce]bool{}
		refused := 0
		for range 20000 {
			id := nonce{uint32(rng.IntN(3)), uint64(rng.IntN(1 << 18))}
			if rng.IntN(2) == 0 { // near the top, where the calls succeed
				if s, ok := o.streams[id.ssrc]; ok {
					id.index = s.used.highest + uint64(rng.IntN(40)) - 30
				}
			}
			hdr := header(id.ssrc, uint16(id.index), 0, -1)
			dst := append(hdr, make([]byte, 8+o.Overhead())...)
			before := bytes.Clone(dst)
			_, err := o.Seal(dst, 12, []byte("12345678"), id.ssrc, uint32(id.index>>16), uint16(id.index))
			switch {
			case err == nil && used[id]:
				t.Fatalf("%v sealed twice", id)
			case err == nil:
				used[id] = true
			case err != ErrNonceReuse:
				t.Fatal(err)
			default:
				refused++
				if !bytes.Equal(dst, before) {
					t.Fatal("a refused packet was written")
				}
			}
		}
		if len(used) < 1000 || refused < 1000 {
			t.Errorf("weak test: %d sealed, %d refused", len(used), refused)
		}
	})
}

func TestAFailedSealUsesUpNothingButANonceIsNeverReused(t *testing.T) {
	o := newOut(t, ProfileAES128GCM)
	s, err := o.Stream(7)
	if err != nil {
		t.Fatal(err)
	}
	dst := append(header(7, 100, 0, -1), make([]byte, 26)...)
	// Refused before anything is encrypted: the index stays usable.
	for _, tc := range []struct {
		dst    []byte
		hdrLen int
		seq    uint16
		want   error
	}{
		{dst[:37], 12, 100, ErrShortBuffer}, {dst, 11, 100, ErrShortBuffer}, {dst, 13, 100, ErrShortBuffer},
		{dst, 12, 101, ErrMalformed}, {append(header(8, 100, 0, -1), dst[12:]...), 12, 100, ErrMalformed},
		{append(header(7, 100, 1, -1), dst[12:]...), 12, 100, ErrMalformed},
		{make([]byte, 40), 12, 0, ErrMalformed},
	} {
		if _, err := s.Seal(tc.dst, tc.hdrLen, []byte("0123456789"), 0, tc.seq); err != tc.want {
			t.Errorf("Seal = %v, want %v", err, tc.want)
		}
	}
	if _, err := s.Seal(dst, 12, []byte("0123456789"), 0, 100); err != nil {
		t.Fatal(err)
	}
	copy(dst, header(7, 100, 0, -1))
	if _, err := s.Seal(dst, 12, []byte("9876543210"), 0, 100); err != ErrNonceReuse {
		t.Errorf("the same index again: %v", err)
	}
}

func TestASkippedIndexMayBeSealedLateButOnlyOnce(t *testing.T) {
	o := newOut(t, ProfileAES128GCM)
	seal := func(index uint64) error {
		dst := append(header(7, uint16(index), 0, -1), make([]byte, 26)...)
		_, err := o.Seal(dst, 12, []byte("0123456789"), 7, uint32(index>>16), uint16(index))
		return err
	}
	const top = 1<<16 + 5 // the late ones are of the cycle before
	for _, index := range []uint64{top - 100, top, top - 3, top - 50, top - windowSize + 1} {
		if err := seal(index); err != nil {
			t.Errorf("index %d: %v", index, err)
		}
	}
	for _, index := range []uint64{top - 100, top, top - 3, top - 50, top - windowSize + 1, top - windowSize, 0} {
		if err := seal(index); err != ErrNonceReuse {
			t.Errorf("index %d again: %v", index, err)
		}
	}
}

func TestAnSSRCHasOneStream(t *testing.T) {
	o := newOut(t, ProfileAES128GCM)
	a, _ := o.Stream(1)
	b, _ := o.Stream(1)
	if a != b || a.SSRC() != 1 {
		t.Fatal("two streams for one SSRC")
	}
	for i := range uint32(maxStreams - 1) {
		if _, err := o.Stream(i + 2); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Stream(1 << 31); err != ErrTooManyStreams {
		t.Errorf("Stream = %v", err)
	}
	if _, err := o.Seal(nil, 12, nil, 1<<31, 0, 0); err != ErrTooManyStreams {
		t.Errorf("Seal = %v", err)
	}
}

func TestTheLastIndexesAreUsableAndThenItEnds(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o := newOut(t, p)
		sealAt(t, o, 3, maxIndex-1)
		sealAt(t, o, 3, maxIndex)
		dst := append(header(3, 0, 0, -1), make([]byte, 30)...)
		if _, err := o.Seal(dst, 12, nil, 3, 0, 0); err != ErrExhausted {
			t.Errorf("Seal after the end = %v", err)
		}
		o.rtcpNext = maxRTCPIndex
		pkt := rtcpPacket(1, 2)
		out := make([]byte, len(pkt)+o.RTCPOverhead())
		if _, err := o.SealRTCP(out, pkt); err != nil {
			t.Errorf("last SRTCP = %v", err)
		}
		if _, err := newIn(t, p, InOptions{}).OpenRTCP(out, out); err != nil {
			t.Errorf("last SRTCP opened = %v", err)
		}
		if _, err := o.SealRTCP(out, pkt); err != ErrExhausted {
			t.Errorf("SRTCP after the end = %v", err)
		}
	})
}

func TestEverySRTCPPacketHasItsOwnIndex(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o, in := newOut(t, p), newIn(t, p, InOptions{})
		for i := range uint32(50) {
			pkt := rtcpPacket(i%2, 3)
			out := make([]byte, len(pkt)+o.RTCPOverhead())
			if _, err := o.SealRTCP(out, pkt); err != nil {
				t.Fatal(err)
			}
			if index, encrypted := in.t.rtcpIndex(out); index != i+1 || !encrypted {
				t.Fatalf("packet %d has index %d, encrypted %v", i, index, encrypted)
			}
		}
		for _, bad := range [][]byte{nil, make([]byte, 8), {0x81, 200, 0, 1, 0, 0, 0}} {
			if _, err := o.SealRTCP(make([]byte, 100), bad); err != ErrMalformed {
				t.Errorf("SealRTCP(%x) = %v", bad, err)
			}
		}
		if _, err := o.SealRTCP(make([]byte, 8), rtcpPacket(1, 0)); err != ErrShortBuffer {
			t.Errorf("short buffer: %v", err)
		}
		if o.rtcpNext != 51 {
			t.Errorf("refused packets used up indexes: %d", o.rtcpNext)
		}
	})
}

func TestConstructorsCheckTheirInput(t *testing.T) {
	for _, p := range append(Profiles(), 0, 2, 0xffff) {
		key, salt := make([]byte, p.KeyLen()), make([]byte, p.SaltLen())
		_, err := NewOut(p, key, salt)
		if known := p.KeyLen() > 0; (err == nil) != known || (!known && err != ErrProfile) {
			t.Errorf("NewOut(%v) = %v", p, err)
		}
		if p.KeyLen() == 0 {
			continue
		}
		if _, err := NewOut(p, key[1:], salt); err != ErrKeyLength {
			t.Errorf("short key: %v", err)
		}
		if _, err := NewIn(p, key, append(salt, 0), InOptions{}); err != ErrKeyLength {
			t.Errorf("long salt: %v", err)
		}
		if _, err := NewIn(p, key, salt, InOptions{MaxSources: -1}); err == nil {
			t.Error("negative MaxSources accepted")
		}
	}
}

// NewOut and NewIn promise to keep neither key nor salt.
func TestKeysMayBeWipedAfterConstruction(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		key, salt := keyMaterial(p)
		o, err := NewOut(p, key, salt)
		if err != nil {
			t.Fatal(err)
		}
		in, err := NewIn(p, key, salt, InOptions{})
		if err != nil {
			t.Fatal(err)
		}
		clear(key)
		clear(salt)
		pkt := sealAt(t, o, 1, 1)
		if _, _, err := in.Open(pkt, pkt, 12); err != nil {
			t.Error(err)
		}
		again := sealAt(t, newOut(t, p), 1, 1)
		if !bytes.Equal(again, sealAt(t, newOut(t, p), 1, 1)) {
			t.Error("sealing is not a function of its input")
		}
	})
}

func TestErrorsHaveDistinctReasons(t *testing.T) {
	seen := map[string]bool{}
	for _, err := range []error{nil, ErrNonceReuse, ErrExhausted, ErrTooManyStreams, ErrTooManySources,
		ErrMalformed, ErrShortBuffer, ErrReplayed, ErrAuth, ErrUnencrypted, ErrProfile} {
		r := Reason(err)
		if seen[r] {
			t.Errorf("two errors called %q", r)
		}
		seen[r] = true
	}
	if Profile(9).String() == "" {
		t.Error("unnamed profile")
	}
}
