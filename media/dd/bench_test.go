package dd

import "testing"

func BenchmarkRead(b *testing.B) {
	packets := captured(b, "vp9-l3t3-key.txt")
	var r Reader
	var f Frame
	for i := 0; b.Loop(); i++ {
		_ = r.Read(packets[i%len(packets)], &f)
	}
}

func BenchmarkPut(b *testing.B) {
	buf := make([]byte, MaxWritten)
	for n := uint16(0); b.Loop(); n++ {
		Put(buf, &Out{Start: true, End: true, Number: n, Diffs: []uint16{1}})
	}
}
