package srtp

import (
	"bytes"
	"encoding/binary"
	"testing"

	pion "github.com/pion/srtp/v3"
)

var shapes = []struct{ csrcs, ext, body int }{
	{0, -1, 0}, {0, -1, 1}, {1, -1, 160}, {0, 0, 20}, {1, 3, 1100}, {15, 10, 1200}, {2, 200, 31},
}

func TestPionOpensWhatWeSeal(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o, ctx := newOut(t, p), pionContext(t, p, pion.SRTPReplayProtection(256), pion.SRTCPReplayProtection(256))
		// Three wraps of the sequence number, with gaps.
		for i, index := 0, uint64(65000); index < 4<<16; i, index = i+1, index+97 {
			shape := shapes[i%len(shapes)]
			hdr, body := header(0xabcdef01, uint16(index), shape.csrcs, shape.ext), payload(shape.body)
			sealed := seal(t, o, hdr, body, uint32(index>>16)-uint32(65000>>16))
			opened, err := ctx.DecryptRTP(nil, sealed, nil)
			if err != nil || !bytes.Equal(opened, append(bytes.Clone(hdr), body...)) {
				t.Fatalf("index %d, shape %v: %v", index, shape, err)
			}
		}
		for i := range 300 {
			pkt := rtcpPacket(uint32(i%3+1), i%40)
			dst := make([]byte, len(pkt)+o.RTCPOverhead())
			n, err := o.SealRTCP(dst, pkt)
			if err != nil || n != len(dst) {
				t.Fatal(n, err)
			}
			opened, err := ctx.DecryptRTCP(nil, dst, nil)
			if err != nil || !bytes.Equal(opened, pkt) {
				t.Fatalf("RTCP %d: %v", i, err)
			}
		}
	})
}

func TestWeOpenWhatPionSeals(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		in, ctx := newIn(t, p, InOptions{}), pionContext(t, p)
		for i, index := 0, uint64(65000); index < 4<<16; i, index = i+1, index+97 {
			shape := shapes[i%len(shapes)]
			plain := append(header(0xabcdef01, uint16(index), shape.csrcs, shape.ext), payload(shape.body)...)
			sealed, err := ctx.EncryptRTP(nil, plain, nil)
			if err != nil {
				t.Fatal(err)
			}
			hdrLen := len(plain) - shape.body
			if peeked, err := in.Peek(0xabcdef01, uint16(index)); peeked != index || err != nil {
				t.Fatalf("Peek = %d, %v, want %d", peeked, err, index)
			}
			dst := make([]byte, len(plain))
			n, got, err := in.Open(dst, sealed, hdrLen)
			if err != nil || n != len(plain) || got != index || !bytes.Equal(dst, plain) {
				t.Fatalf("index %d, shape %v: %d %d %v", index, shape, n, got, err)
			}
			if i%2 == 0 { // in place
				if _, _, err := in.Open(sealed, sealed, hdrLen); err != ErrReplayed {
					t.Fatalf("replay: %v", err)
				}
			}
		}
		for i := range 300 {
			pkt := rtcpPacket(uint32(i%3+1), i%40)
			sealed, err := ctx.EncryptRTCP(nil, pkt, nil)
			if err != nil {
				t.Fatal(err)
			}
			n, err := in.OpenRTCP(sealed, sealed) // in place
			if err != nil || !bytes.Equal(sealed[:n], pkt) {
				t.Fatalf("RTCP %d: %v", i, err)
			}
		}
	})
}

func TestOpenInPlace(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o, in := newOut(t, p), newIn(t, p, InOptions{})
		hdr, body := header(5, 9, 2, 4), payload(700)
		pkt := seal(t, o, hdr, body, 0)
		n, index, err := in.Open(pkt, pkt, len(hdr))
		if err != nil || index != 9 || !bytes.Equal(pkt[:n], append(hdr, body...)) {
			t.Fatal(n, index, err)
		}
	})
}

// The other end may be at any ROC when packets come from several streams.
func TestStreamsDoNotShareState(t *testing.T) {
	eachProfile(t, func(t *testing.T, p Profile) {
		o, in := newOut(t, p), newIn(t, p, InOptions{})
		for round := range uint64(6) {
			for ssrc := range uint32(10) {
				index := round*30000 + uint64(ssrc)
				pkt := sealAt(t, o, ssrc, index)
				dst := make([]byte, len(pkt))
				if _, got, err := in.Open(dst, pkt, 12); err != nil || got != index {
					t.Fatalf("ssrc %d index %d: %d, %v", ssrc, index, got, err)
				}
				if binary.BigEndian.Uint32(dst[8:]) != ssrc {
					t.Fatal("header lost")
				}
			}
		}
	})
}
