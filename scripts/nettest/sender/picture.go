package main

import (
	"embed"
	"encoding/binary"
)

//go:embed testdata
var testdata embed.FS

// maxPayload leaves room for headers, extensions and authentication within 1200 bytes.
const maxPayload = 1100

// picture is one layer's material: a key frame and a change that fits after it and after itself. A decoder stops reading
// where the last partition's symbols end, so zeros behind it make a frame of any size.
type picture struct{ key, delta []byte }

var pictures = func() (all [layers]*picture) {
	for l, rid := range rids {
		all[l] = &picture{load(rid + ".key.vp8"), load(rid + ".delta.vp8")}
	}
	return all
}()

// tone is a second of Opus, 20 ms a piece.
var tone = func() (pieces [][]byte) {
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

// of is a frame of about the size; a key frame is three times as large, as encoders make them.
func (p *picture) of(size int, key bool) []byte {
	frame := p.delta
	if key {
		frame, size = p.key, 3*size
	}
	out := make([]byte, max(size, len(frame)))
	copy(out, frame)
	return out
}

// descriptor is the VP8 payload descriptor with a picture id of 15 bits.
func descriptor(first bool, id uint16) []byte {
	b := []byte{0x80, 0x80, 0x80 | byte(id>>8), byte(id)}
	if first {
		b[0] |= 0x10
	}
	return b
}
