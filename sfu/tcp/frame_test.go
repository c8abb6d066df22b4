package tcp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestFramesComeWholeHoweverTheStreamIsCut(t *testing.T) {
	var stream []byte
	want := [][]byte{{1}, bytes.Repeat([]byte{7}, MaxFrame), []byte("hello"), bytes.Repeat([]byte{9}, 1200)}
	for i, f := range want {
		stream = AppendFrame(stream, f)
		if i%2 == 0 {
			stream = AppendFrame(stream, nil) // keeps a connection alive, says nothing
		}
	}
	for name, r := range map[string]io.Reader{
		"at once": bytes.NewReader(stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(stream)),
		"in halves": iotest.HalfReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			fr := NewFrameReader(r)
			for i, w := range want {
				f, err := fr.Next()
				if err != nil || !bytes.Equal(f, w) {
					t.Fatalf("frame %d: %d bytes, %v", i, len(f), err)
				}
			}
			if _, err := fr.Next(); err != io.EOF {
				t.Errorf("after the last: %v", err)
			}
		})
	}
}

func TestAStreamThatLiesEndsAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		stream []byte
		want   error
	}{
		"too long":           {binary.BigEndian.AppendUint16(nil, MaxFrame+1), ErrFrameSize},
		"ends in the header": {[]byte{0}, io.ErrUnexpectedEOF},
		"ends in the frame":  {[]byte{0, 9, 1, 2}, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewFrameReader(bytes.NewReader(tc.stream)).Next(); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

// Whatever comes, frames are what their lengths say, and the reader ends.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 1, 5, 0, 0, 0, 2, 6, 7}, 3)
	f.Add([]byte{0xff, 0xff}, 1)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		var r io.Reader = bytes.NewReader(stream)
		if cut%2 == 1 {
			r = iotest.OneByteReader(r)
		}
		fr := NewFrameReader(r)
		var back []byte
		for {
			frame, err := fr.Next()
			if err != nil {
				break
			}
			if len(frame) == 0 || len(frame) > MaxFrame {
				t.Fatalf("a frame of %d bytes", len(frame))
			}
			back = AppendFrame(back, frame)
		}
		if len(back) > len(stream) {
			t.Fatal("more came out than went in")
		}
	})
}
