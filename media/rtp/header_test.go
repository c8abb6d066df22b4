package rtp

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	pion "github.com/pion/rtp"
)

func TestParse(t *testing.T) {
	base := func(mod func([]byte) []byte) []byte {
		b := []byte{0x80, 0xe0, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8}
		if mod != nil {
			b = mod(b)
		}
		return b
	}
	tests := []struct {
		name string
		buf  []byte
		err  error
		want Header // compared by the exported lengths
	}{
		{"an empty datagram is too short", nil, ErrShort, Header{}},
		{"eleven bytes are too short", base(nil)[:11], ErrShort, Header{}},
		{"version 1 is refused", base(func(b []byte) []byte { b[0] = 0x40; return b }), ErrVersion, Header{}},
		{"a header without payload is fine", base(nil), nil, Header{HeaderLen: 12}},
		{"a payload is what follows the header", append(base(nil), 1, 2, 3), nil, Header{HeaderLen: 12, PayloadLen: 3}},
		{"CSRCs beyond the packet are refused", base(func(b []byte) []byte { b[0] |= 3; return b }), ErrShort, Header{}},
		{"a CSRC is part of the header", base(func(b []byte) []byte { b[0] |= 1; return append(b, 0, 0, 0, 9, 7) }), nil,
			Header{HeaderLen: 16, PayloadLen: 1}},
		{"an extension header beyond the packet is refused", base(func(b []byte) []byte { b[0] |= 0x10; return append(b, 0xbe, 0xde) }), ErrExtension, Header{}},
		{"an extension body beyond the packet is refused", base(func(b []byte) []byte { b[0] |= 0x10; return append(b, 0xbe, 0xde, 0, 1, 0, 0, 0) }), ErrExtension, Header{}},
		{"padding is cut off", base(func(b []byte) []byte { b[0] |= 0x20; return append(b, 9, 0, 2) }), nil,
			Header{HeaderLen: 12, PayloadLen: 1, PaddingLen: 2}},
		{"a packet may be all padding", base(func(b []byte) []byte { b[0] |= 0x20; return append(b, 0, 2) }), nil,
			Header{HeaderLen: 12, PayloadLen: 0, PaddingLen: 2}},
		{"padding of zero is refused", base(func(b []byte) []byte { b[0] |= 0x20; return append(b, 9, 0) }), ErrPadding, Header{}},
		{"padding longer than the payload is refused", base(func(b []byte) []byte { b[0] |= 0x20; return append(b, 9, 3) }), ErrPadding, Header{}},
		{"padding without payload is refused", base(func(b []byte) []byte { b[0] |= 0x20; return b }), ErrPadding, Header{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h Header
			if err := Parse(tt.buf, &h); !errors.Is(err, tt.err) {
				t.Fatalf("err = %v, want %v", err, tt.err)
			} else if err != nil {
				return
			}
			if h.HeaderLen != tt.want.HeaderLen || h.PayloadLen != tt.want.PayloadLen || h.PaddingLen != tt.want.PaddingLen {
				t.Errorf("got %d/%d/%d, want %d/%d/%d", h.HeaderLen, h.PayloadLen, h.PaddingLen,
					tt.want.HeaderLen, tt.want.PayloadLen, tt.want.PaddingLen)
			}
			if h.Seq != 0x1234 || h.TS != 0x01020304 || h.SSRC != 0x05060708 || !h.Marker || h.PT != 96 {
				t.Errorf("fields: %+v", h)
			}
		})
	}
}

func withExt(profile uint16, body ...byte) []byte {
	b := []byte{0x90, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, byte(profile >> 8), byte(profile), 0, byte(len(body) / 4)}
	return append(b, body...)
}

func TestExt(t *testing.T) {
	tests := []struct {
		name string
		buf  []byte
		id   uint8
		want []byte
	}{
		{"a one-byte element is found", withExt(0xbede, 0x11, 7, 8, 0), 1, []byte{7, 8}},
		{"padding between elements is skipped", withExt(0xbede, 0x10, 7, 0, 0, 0x20, 9, 0, 0), 2, []byte{9}},
		{"an id that is not there is nil", withExt(0xbede, 0x10, 7, 0, 0), 2, nil},
		{"id 0 never matches", withExt(0xbede, 0, 0, 0, 0), 0, nil},
		{"id 15 ends the walk", withExt(0xbede, 0xf0, 7, 0x20, 9), 2, nil},
		{"an element that runs over the block is nil", withExt(0xbede, 0x1f, 7, 0, 0), 1, nil},
		{"a two-byte element is found", withExt(0x1000, 200, 2, 7, 8), 200, []byte{7, 8}},
		{"the two-byte profile's low bits are free", withExt(0x100f, 200, 2, 7, 8), 200, []byte{7, 8}},
		{"a two-byte element may be empty", withExt(0x1000, 5, 0, 6, 0), 6, []byte{}},
		{"a two-byte element that runs over is nil", withExt(0x1000, 5, 9, 6, 0), 5, nil},
		{"a two-byte element without length is nil", withExt(0x1000, 0, 0, 0, 5), 5, nil},
		{"an unknown profile has no elements", withExt(0xabcd, 0x11, 7, 8, 0), 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h Header
			if err := Parse(tt.buf, &h); err != nil {
				t.Fatal(err)
			}
			got := h.Ext(tt.id)
			if (got == nil) != (tt.want == nil) || !bytes.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func randomOut(r *rand.Rand) (Out, ExtIDs) {
	o := Out{
		PT: uint8(r.IntN(128)), Marker: r.IntN(2) == 0, Seq: uint16(r.Uint32()), TS: r.Uint32(), SSRC: r.Uint32(),
		TransportCC: uint16(r.Uint32()), HasLevel: r.IntN(2) == 0, Level: uint8(r.Uint32()),
		HasOrientation: r.IntN(2) == 0, Orientation: uint8(r.Uint32()), AbsSendTime: r.Uint32N(2) * r.Uint32N(1<<24),
	}
	if r.IntN(2) == 0 {
		o.CSRC = r.Uint32()
	}
	if n := r.IntN(MaxMID + 1); r.IntN(2) == 0 {
		o.MID = "abcdefghijklmnop"[:n]
	}
	ids := ExtIDs{TransportCC: 1, AudioLevel: 2, Orientation: 3, AbsSendTime: 4, MID: 14}
	for _, p := range []*uint8{&ids.TransportCC, &ids.AudioLevel, &ids.Orientation, &ids.AbsSendTime, &ids.MID} {
		*p *= uint8(r.IntN(2))
	}
	return o, ids
}

func TestWhatPutWritesIsReadAlikeByUsAndByPion(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		o, ids := randomOut(r)
		buf := make([]byte, MaxHeader+8)
		n := Put(buf, &o, &ids)
		if n == 0 || n > MaxHeader {
			t.Fatalf("length %d of %+v", n, o)
		}
		packet := append(buf[:n:n], 1, 2, 3)
		var h Header
		if err := Parse(packet, &h); err != nil {
			t.Fatal(err)
		}
		var p pion.Packet
		if err := p.Unmarshal(packet); err != nil {
			t.Fatal(err)
		}
		if h.HeaderLen != n || h.Seq != o.Seq || h.TS != o.TS || h.SSRC != o.SSRC || h.PT != o.PT || h.Marker != o.Marker {
			t.Fatalf("ours %+v of %+v", h, o)
		}
		if p.SequenceNumber != o.Seq || p.Timestamp != o.TS || p.SSRC != o.SSRC || p.PayloadType != o.PT || p.Marker != o.Marker || !bytes.Equal(p.Payload, []byte{1, 2, 3}) {
			t.Fatalf("pion %+v of %+v", p, o)
		}
		if h.CSRC(0) != o.CSRC || (o.CSRC != 0 && p.CSRC[0] != o.CSRC) {
			t.Fatal("CSRC differs")
		}
		for id := uint8(1); id < 15; id++ {
			if !bytes.Equal(h.Ext(id), p.GetExtension(id)) {
				t.Fatalf("extension %d: %v and %v", id, h.Ext(id), p.GetExtension(id))
			}
		}
		if s, ok := ParseTransportCC(h.Ext(1)); ids.TransportCC != 0 && (!ok || s != o.TransportCC) {
			t.Fatal("transport-cc differs")
		}
		if e := h.Ext(14); ids.MID != 0 && string(e) != o.MID {
			t.Fatal("MID differs")
		}
	}
}

func TestPutRefusesASmallBuffer(t *testing.T) {
	if n := Put(make([]byte, MaxHeader-1), &Out{}, &ExtIDs{}); n != 0 {
		t.Errorf("wrote %d bytes", n)
	}
}

func TestAnOSNSurvivesTheWayAndPaddingIsToldApart(t *testing.T) {
	b := make([]byte, 5)
	PutOSN(b, 0xabcd)
	osn, media, ok := OSN(b)
	if !ok || osn != 0xabcd || len(media) != 3 {
		t.Errorf("got %x %d %v", osn, len(media), ok)
	}
	for n := range 3 {
		if _, _, ok := OSN(b[:n]); ok {
			t.Errorf("a payload of %d bytes is taken for media", n)
		}
	}
}

func TestAudioLevelBytes(t *testing.T) {
	l, v, ok := ParseLevel([]byte{LevelByte(30, true)})
	if l != 30 || !v || !ok {
		t.Error(l, v, ok)
	}
	if _, _, ok := ParseLevel(nil); ok {
		t.Error("a missing level is taken for one")
	}
}

func TestAbsSendTimeMatchesPion(t *testing.T) {
	// pion's helper works on wall time; the 24 bits of a whole number of 64 s start at zero.
	for _, d := range []time.Duration{0, time.Millisecond, 33 * time.Millisecond, 63 * time.Second, 65500 * time.Millisecond} {
		got := float64(AbsSendTime(d)) / (1 << 18)
		want := (d % (64 * time.Second)).Seconds()
		if got > want+1e-5 || got < want-1e-5 {
			t.Errorf("%v: %v", d, got)
		}
	}
}

func TestNothingOnTheHotPathAllocates(t *testing.T) {
	buf := withExt(0xbede, 0x11, 7, 8, 0x20, 9, 0, 0, 0)
	dst := make([]byte, 200)
	var h Header
	o, ids := Out{MID: "abc", CSRC: 1, HasLevel: true}, ExtIDs{1, 2, 3, 4, 5, 6}
	if n := testing.AllocsPerRun(100, func() {
		_ = Parse(buf, &h)
		h.Ext(2)
		Put(dst, &o, &ids)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5})
	f.Add(withExt(0xbede, 0x11, 7, 8, 0))
	f.Add(withExt(0x1000, 200, 2, 7, 8))
	f.Add([]byte{0xa1, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Header
		if err := Parse(b, &h); err != nil {
			return
		}
		if h.HeaderLen+h.PayloadLen+h.PaddingLen != len(b) {
			t.Fatal("lengths do not add up")
		}
		h.Payload()
		for id := range 256 {
			h.Ext(uint8(id))
		}
		for i := -1; i < 17; i++ {
			h.CSRC(i)
		}
		var p pion.Packet
		if err := p.Unmarshal(b); err == nil && h.ExtProfile != 0xBEDE && !bytes.Equal(p.Payload, h.Payload()) {
			t.Fatal("pion sees another payload")
		}
	})
}

func BenchmarkParse(b *testing.B) {
	buf := append(withExt(0xbede, 0x11, 7, 8, 0x20, 9, 0, 0, 0), make([]byte, 1000)...)
	var h Header
	for b.Loop() {
		_ = Parse(buf, &h)
		h.Ext(1)
		h.Ext(2)
	}
}

func BenchmarkPut(b *testing.B) {
	dst := make([]byte, 200)
	o, ids := Out{CSRC: 1, HasOrientation: true}, ExtIDs{TransportCC: 1, Orientation: 2}
	for b.Loop() {
		o.Seq++
		Put(dst, &o, &ids)
	}
}
