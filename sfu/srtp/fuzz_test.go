package srtp

import (
	"bytes"
	"testing"
)

// Whatever arrives, opening it neither panics nor changes state, unless it is
// authentic; then it gives what was sealed.
func FuzzOpen(f *testing.F) {
	for _, p := range Profiles() {
		o := newOut(f, p)
		for i, shape := range shapes {
			hdr := header(9, uint16(i), shape.csrcs, shape.ext)
			f.Add(uint16(p), seal(f, o, hdr, payload(shape.body), 0), len(hdr))
		}
		f.Add(uint16(p), []byte{}, 0)
		f.Add(uint16(p), bytes.Repeat([]byte{0x9f}, 60), 12)
	}
	f.Fuzz(func(t *testing.T, profile uint16, pkt []byte, hdrLen int) {
		p := Profile(profile)
		if p.KeyLen() == 0 {
			return
		}
		in := newIn(t, p, InOptions{})
		dst, before := make([]byte, len(pkt)), bytes.Clone(pkt)
		n, _, err := in.Open(dst, pkt, hdrLen)
		if !bytes.Equal(pkt, before) {
			t.Fatal("the packet was changed")
		}
		if err != nil {
			if len(in.rtp.windows) != 0 {
				t.Fatal("a refused packet made a source")
			}
			return
		}
		if n != len(pkt)-p.Overhead() || !bytes.Equal(dst[:hdrLen], pkt[:hdrLen]) {
			t.Fatal("wrong result")
		}
	})
}

func FuzzOpenRTCP(f *testing.F) {
	for _, p := range Profiles() {
		o := newOut(f, p)
		for words := range 8 {
			pkt := rtcpPacket(3, words)
			sealed := make([]byte, len(pkt)+o.RTCPOverhead())
			if _, err := o.SealRTCP(sealed, pkt); err != nil {
				f.Fatal(err)
			}
			f.Add(uint16(p), sealed)
		}
		f.Add(uint16(p), []byte{})
		f.Add(uint16(p), bytes.Repeat([]byte{0x80}, 28))
	}
	f.Fuzz(func(t *testing.T, profile uint16, pkt []byte) {
		p := Profile(profile)
		if p.KeyLen() == 0 {
			return
		}
		in := newIn(t, p, InOptions{})
		dst := make([]byte, len(pkt))
		n, err := in.OpenRTCP(dst, pkt)
		if err != nil {
			if len(in.rtcp.windows) != 0 {
				t.Fatal("a refused packet made a source")
			}
			return
		}
		if n != len(pkt)-p.RTCPOverhead() || !bytes.Equal(dst[:8], pkt[:8]) {
			t.Fatal("wrong result")
		}
	})
}
