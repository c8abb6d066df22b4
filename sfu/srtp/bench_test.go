package srtp

import (
	"encoding/binary"
	"testing"
)

// A 1100-byte RTP packet as it is sealed: 32 bytes of header (CSRC, extensions).
const (
	benchHeader = 32
	benchBody   = 1100 - benchHeader
)

func BenchmarkSeal1100(b *testing.B) {
	for _, p := range Profiles() {
		b.Run(p.String(), func(b *testing.B) {
			o := newOut(b, p)
			s, err := o.Stream(1)
			if err != nil {
				b.Fatal(err)
			}
			dst, body := make([]byte, 1500), payload(benchBody)
			copy(dst, header(1, 0, 1, 3))
			b.ReportAllocs()
			index := uint64(0)
			for b.Loop() {
				binary.BigEndian.PutUint16(dst[2:], uint16(index))
				if _, err := s.Seal(dst, benchHeader, body, uint32(index>>16), uint16(index)); err != nil {
					b.Fatal(err)
				}
				index++
			}
		})
	}
}

func BenchmarkOpen1100(b *testing.B) {
	for _, p := range Profiles() {
		b.Run(p.String(), func(b *testing.B) {
			o, in := newOut(b, p), newIn(b, p, InOptions{})
			const batch = 1024
			var pkts [batch][]byte
			for i := range pkts {
				pkts[i] = seal(b, o, header(1, uint16(i), 1, 3), payload(benchBody), 0)
			}
			dst := make([]byte, 1500)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i%batch == 0 { // the same packets again: forget that they were seen
					clear(in.rtp.windows)
					in.rtp.last = nil
				}
				if _, _, err := in.Open(dst, pkts[i%batch], benchHeader); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
