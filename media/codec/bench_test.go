package codec

import "testing"

func BenchmarkRewriteVP8(b *testing.B) {
	p := []byte{0x90, 0xf0, 0x81, 0x23, 0x05, 0xa1, 0x00, 0, 0, 0x9d, 1, 0x2a, 1, 1, 1, 1}
	m := VP8Map{}
	for id := uint16(0); b.Loop(); id++ {
		p[2], p[3] = 0x80|byte(id>>8), byte(id)
		m.Rewrite(0, p)
		p[2], p[3] = 0x80|byte(id>>8), byte(id)
	}
}
