package publisher

import (
	"embed"
	"encoding/binary"
)

//go:embed testdata
var testdata embed.FS

// Layers is the number of simulcast and of spatial layers.
const Layers = 3

// Rids name the simulcast layers, from small to large.
var Rids = [Layers]string{"q", "h", "f"}

// Picture is one layer's material: a key frame and a change that fits after it and after itself. A decoder stops reading
// where the last partition's symbols end, so zeros behind it make a frame of any size.
type Picture struct{ key, delta []byte }

// Pictures are those of the layers: 320×180, 640×360, 1280×720.
var Pictures = func() (all [Layers]*Picture) {
	for l, rid := range Rids {
		all[l] = &Picture{load(rid + ".key.vp8"), load(rid + ".delta.vp8")}
	}
	return all
}()

// Tone is a second of Opus, 20 ms a piece.
var Tone = func() (pieces [][]byte) {
	for data := load("tone.opus"); len(data) > 2; {
		n := int(binary.BigEndian.Uint16(data))
		pieces = append(pieces, data[2:2+n])
		data = data[2+n:]
	}
	return pieces
}()

func load(name string) []byte {
	data, err := testdata.ReadFile("testdata/" + name)
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	return data
}

// Of is a frame of about the size; a key frame is three times as large, as encoders make them.
func (p *Picture) Of(size int, key bool) []byte {
	frame, _ := p.frame(size, key)
	return frame
}

// frame is Of, with the number of bytes that a decoder reads; what is behind them is free.
func (p *Picture) frame(size int, key bool) (frame []byte, used int) {
	frame = p.delta
	if key {
		frame, size = p.key, keySize*size
	}
	out := make([]byte, max(size, len(frame)))
	return out, copy(out, frame)
}

// keySize is how many times larger a key frame is than the others.
const keySize = 3

// Descriptor is the VP8 payload descriptor with a picture id of 15 bits.
func Descriptor(first bool, id uint16) []byte {
	b := []byte{0x80, 0x80, 0x80 | byte(id>>8)&0x7f, byte(id)}
	if first {
		b[0] |= 0x10
	}
	return b
}
