package publisher

import (
	"encoding/binary"
	"testing"
)

// The frame header of RFC 6386 §9.1: key frames name their size, and the first partition lies within the frame.
func TestPicturesAreVP8OfTheLayersSizes(t *testing.T) {
	sizes := [Layers][2]uint16{{320, 180}, {640, 360}, {1280, 720}}
	for l, p := range Pictures {
		for _, key := range []bool{true, false} {
			frame := p.Of(5000, key)
			tag := uint32(frame[0]) | uint32(frame[1])<<8 | uint32(frame[2])<<16
			if isKey := tag&1 == 0; isKey != key {
				t.Errorf("layer %s: key frame %v, want %v", Rids[l], isKey, key)
			}
			if int(tag>>5) >= len(frame) {
				t.Errorf("layer %s: first partition of %d bytes in a frame of %d", Rids[l], tag>>5, len(frame))
			}
			if key {
				w, h := binary.LittleEndian.Uint16(frame[6:])&0x3fff, binary.LittleEndian.Uint16(frame[8:])&0x3fff
				if w != sizes[l][0] || h != sizes[l][1] || frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a {
					t.Errorf("layer %s: key frame of %d×%d", Rids[l], w, h)
				}
			}
		}
		if n := len(p.Of(5000, false)); n != 5000 {
			t.Errorf("layer %s: a frame of %d bytes, 5000 asked", Rids[l], n)
		}
	}
}

func TestASecondOfSound(t *testing.T) {
	if len(Tone) != 50 {
		t.Fatalf("%d pieces", len(Tone))
	}
	for _, piece := range Tone {
		if len(piece) < 20 || piece[0]>>3 < 1 || piece[0]&3 != 0 {
			t.Fatalf("no single Opus frame: % x", piece[:4])
		}
	}
}
