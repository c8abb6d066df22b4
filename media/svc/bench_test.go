package svc

import (
	"testing"

	"incamera/media/codec"
)

func BenchmarkTake(b *testing.B) {
	var s Selector
	s.Aim(Layer{1, 1})
	s.Take(&codec.Facts{KeyStart: true, FrameStart: true}, 0, true)
	f := codec.Facts{FrameStart: true}
	for ts := uint32(3000); b.Loop(); ts += 3000 {
		f.TID = uint8(ts / 3000 % 3)
		s.Take(&f, ts, true)
	}
}
