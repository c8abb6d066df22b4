package red

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestAPayloadIsTakenApartAsItWasPutTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var in []Block
		for range r.IntN(MaxBlocks) {
			b := Block{PT: uint8(r.IntN(128)), Offset: r.Uint32N(maxOffset + 1), Payload: make([]byte, r.IntN(maxLength+1))}
			for i := range b.Payload {
				b.Payload[i] = byte(r.Uint32())
			}
			in = append(in, b)
		}
		in = append(in, Block{PT: uint8(r.IntN(128)), Payload: []byte("the packet's own")[:r.IntN(17)]})
		payload, err := Put(nil, in...)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Append(nil, payload)
		if err != nil || len(out) != len(in) {
			t.Fatalf("%d blocks of %d: %v", len(out), len(in), err)
		}
		for i := range in {
			if out[i].PT != in[i].PT || out[i].Offset != in[i].Offset || !bytes.Equal(out[i].Payload, in[i].Payload) {
				t.Fatalf("block %d: %+v, want %+v", i, out[i], in[i])
			}
		}
		pt, media, err := Own(payload)
		if own := in[len(in)-1]; err != nil || pt != own.PT || !bytes.Equal(media, own.Payload) {
			t.Fatalf("own block: %d %q %v", pt, media, err)
		}
		Retype(payload, 109)
		out, err = Append(out[:0], payload)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range out {
			if b.PT != 109 || !bytes.Equal(b.Payload, in[i].Payload) {
				t.Fatalf("another payload type: %+v", b)
			}
		}
	}
}

func TestWhatChromiumSendsIsRead(t *testing.T) {
	// One copy of 3 bytes, 960 ticks ago, then 2 bytes of now; both of payload type 111.
	payload := []byte{0x80 | 111, 960 >> 6, 960 << 2 & 0xff, 3, 111, 1, 2, 3, 8, 9}
	blocks, err := Append(make([]Block, 0, MaxBlocks), payload)
	if err != nil || len(blocks) != 2 || blocks[0].Offset != 960 || !bytes.Equal(blocks[0].Payload, []byte{1, 2, 3}) ||
		!bytes.Equal(blocks[1].Payload, []byte{8, 9}) {
		t.Errorf("%+v %v", blocks, err)
	}
}

func TestPayloadsThatLieAreRefused(t *testing.T) {
	for _, c := range []struct {
		what    string
		payload []byte
		err     error
	}{
		{"nothing at all", nil, ErrShort},
		{"a cut head", []byte{0x80 | 111, 0, 0}, ErrShort},
		{"copies without an own block", []byte{0x80 | 111, 0, 0, 1}, ErrShort},
		{"a copy longer than the packet", []byte{0x80 | 111, 0, 3, 255, 111, 1, 2}, ErrShort},
		{"more blocks than anybody sends", append(bytes.Repeat([]byte{0x80 | 111, 0, 0, 0}, MaxBlocks), 111), ErrBlocks},
	} {
		if _, err := Append(nil, c.payload); err != c.err {
			t.Errorf("%s: %v", c.what, err)
		}
		if _, _, err := Own(c.payload); err != c.err {
			t.Errorf("%s: own block: %v", c.what, err)
		}
		Retype(c.payload, 1)
	}
	for what, blocks := range map[string][]Block{
		"no block":        nil,
		"too old":         {{Offset: maxOffset + 1}, {}},
		"too long":        {{Payload: make([]byte, maxLength+1)}, {}},
		"no payload type": {{PT: 128}},
	} {
		if _, err := Put(nil, blocks...); err == nil {
			t.Errorf("%s was written", what)
		}
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	payload, _ := Put(nil, Block{PT: 111, Offset: 960, Payload: make([]byte, 80)}, Block{PT: 111, Payload: make([]byte, 80)})
	var room [MaxBlocks]Block
	if n := testing.AllocsPerRun(100, func() {
		_, _ = Append(room[:0], payload)
		_, _, _ = Own(payload)
		Retype(payload, 109)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte{111, 1, 2})
	f.Add([]byte{0x80 | 111, 15, 0, 3, 111, 1, 2, 3, 8, 9})
	f.Add([]byte{0x80 | 111, 15, 0, 3, 0x80 | 111, 15, 3, 255, 111, 1, 2, 3, 8, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		blocks, err := Append(nil, b)
		pt, media, ownErr := Own(b)
		if (err == nil) != (ownErr == nil) {
			t.Fatalf("two opinions: %v, %v", err, ownErr)
		}
		if err != nil {
			return
		}
		if own := blocks[len(blocks)-1]; own.PT != pt || !bytes.Equal(own.Payload, media) {
			t.Fatal("two own blocks")
		}
		again, err := Put(nil, blocks...)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("written again: %x, %v", again, err)
		}
		Retype(b, 7)
		if retyped, err := Append(nil, b); err != nil || len(retyped) != len(blocks) {
			t.Fatal("another payload type broke it")
		}
	})
}
