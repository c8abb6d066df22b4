package codec

import (
	"errors"
	"testing"

	"github.com/pion/rtp/codecs"
)

func TestKindOf(t *testing.T) {
	for mime, want := range map[string]Kind{
		"audio/opus": Opus, "video/vp8": VP8, "VIDEO/VP9": VP9, "video/H264": H264, "video/AV1": AV1,
	} {
		if k, ok := KindOf(mime); !ok || k != want {
			t.Errorf("%s is %v", mime, k)
		}
	}
	for _, mime := range []string{"", "video", "video/", "video/none", "video/rtx"} {
		if k, ok := KindOf(mime); ok {
			t.Errorf("%q is %v", mime, k)
		}
	}
	if Opus.Video() || !VP8.Video() {
		t.Error("kinds of media are mixed up")
	}
}

func TestRead(t *testing.T) {
	vp8Key := []byte{0x10, 0x9c, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01}
	tests := []struct {
		name    string
		kind    Kind
		payload []byte
		marker  bool
		want    Facts
		err     error
	}{
		{"an empty payload has no facts", VP8, nil, true, Facts{}, nil},
		{"opus packets are whole frames", Opus, []byte{0xfc}, false, Facts{FrameStart: true, FrameEnd: true}, nil},

		{"a VP8 key frame shows its size", VP8, vp8Key, false,
			Facts{KeyStart: true, FrameStart: true, SwitchUp: true, Width: 640, Height: 480}, nil},
		{"a VP8 key frame in cipher keeps its key bit", VP8, []byte{0x10, 0x9c, 1, 2, 3}, true,
			Facts{KeyStart: true, FrameStart: true, FrameEnd: true, SwitchUp: true}, nil},
		{"a VP8 inter frame is no key", VP8, []byte{0x10, 0x9d, 0}, false, Facts{FrameStart: true}, nil},
		{"the second packet of a VP8 key frame is no start", VP8, []byte{0x00, 0x9c}, false, Facts{}, nil},
		{"a later VP8 partition is no start", VP8, []byte{0x11, 0x9c}, false, Facts{}, nil},
		{"VP8 layers are read", VP8, []byte{0xb0, 0xf0, 0x81, 0x23, 0x05, 0xa1, 0x01}, false,
			Facts{FrameStart: true, TID: 2, SwitchUp: true, Discardable: true}, nil},
		{"a cut VP8 descriptor is an error", VP8, []byte{0x80}, false, Facts{}, ErrShort},
		{"a cut VP8 picture id is an error", VP8, []byte{0x80, 0x80, 0x80}, false, Facts{}, ErrShort},
		{"a missing VP8 TL0PICIDX is an error", VP8, []byte{0x80, 0x40}, false, Facts{}, ErrShort},
		{"a missing VP8 TID is an error", VP8, []byte{0x80, 0x20}, false, Facts{}, ErrShort},

		{"a VP9 flexible key frame", VP9, []byte{0xb8, 0x81, 0x23, 0x00, 9}, false,
			Facts{KeyStart: true, FrameStart: true, SwitchUp: true, Opens: true, HasPicture: true, Picture: 291}, nil},
		{"a VP9 inter frame with references", VP9, []byte{0xf8, 0x81, 0x23, 0x52, 0x03, 0x04, 9}, false,
			Facts{FrameStart: true, TID: 2, Opens: true, SID: 1, HasPicture: true, Picture: 291}, nil},
		{"the upper spatial layer of a VP9 key picture is no start", VP9, []byte{0xa8, 0x01, 0x03, 0x07, 9}, false,
			Facts{FrameStart: true, SID: 1, InterLayer: true, HasPicture: true, Picture: 1}, nil},
		{"a VP9 key frame without layers", VP9, []byte{0x8c, 0x01, 9}, false,
			Facts{KeyStart: true, FrameStart: true, FrameEnd: true, SwitchUp: true, Opens: true, HasPicture: true, Picture: 1}, nil},
		{"a VP9 structure shows the largest size", VP9,
			[]byte{0x0a, 0x38, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 1, 0x04, 1, 9}, false,
			Facts{KeyStart: true, FrameStart: true, SwitchUp: true, Opens: true, Config: true, Width: 640, Height: 360}, nil},
		{"a cut VP9 structure is an error", VP9, []byte{0x0a, 0x38, 0x01, 0x40}, false, Facts{}, ErrShort},
		{"a VP9 structure without its pictures is an error", VP9, []byte{0x0a, 0x08, 3, 0x04}, false, Facts{}, ErrShort},
		{"more than three VP9 references are an error", VP9, []byte{0x50, 1, 1, 1, 1}, false, Facts{}, ErrInvalid},
		{"a cut VP9 TL0PICIDX is an error", VP9, []byte{0x20, 0x00}, false, Facts{}, ErrShort},

		{"an H264 SPS starts a key frame", H264, []byte{0x67, 0x42}, false,
			Facts{KeyStart: true, FrameStart: true, SwitchUp: true, Config: true}, nil},
		{"an H264 STAP-A with an SPS starts a key frame", H264, []byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce}, false,
			Facts{KeyStart: true, FrameStart: true, SwitchUp: true, Config: true}, nil},
		{"an H264 IDR without any SPS starts a key frame", H264, []byte{0x65, 0x88}, true,
			Facts{KeyStart: true, FrameStart: true, FrameEnd: true, SwitchUp: true}, nil},
		{"the first fragment of an H264 IDR starts a key frame", H264, []byte{0x7c, 0x85, 0x88}, false,
			Facts{KeyStart: true, FrameStart: true, SwitchUp: true}, nil},
		{"a later fragment does not", H264, []byte{0x7c, 0x05, 0x88}, false, Facts{}, nil},
		{"a second slice of an H264 IDR does not", H264, []byte{0x65, 0x08}, false, Facts{}, nil},
		{"an H264 slice that nothing refers to is discardable", H264, []byte{0x01, 0x9a}, true,
			Facts{FrameStart: true, FrameEnd: true, Discardable: true}, nil},
		{"an H264 STAP-A that runs over is an error", H264, []byte{0x78, 0, 9, 0x67}, false, Facts{}, ErrInvalid},
		{"an H264 STAP-A with an empty NAL is an error", H264, []byte{0x78, 0, 0, 0x67}, false, Facts{}, ErrInvalid},
		{"a cut H264 fragment is an error", H264, []byte{0x7c}, false, Facts{}, ErrShort},

		{"an AV1 sequence starts a key frame", AV1, []byte{0x28, 2, 0x08, 0, 0x30, 1}, false,
			Facts{KeyStart: true, FrameStart: true, SwitchUp: true, Config: true}, nil},
		{"an AV1 sequence header is a key even without the N bit", AV1, []byte{0x10, 0x08, 0}, false,
			Facts{KeyStart: true, FrameStart: true, SwitchUp: true, Config: true}, nil},
		{"an AV1 continuation is no start", AV1, []byte{0x90, 0x08, 0}, false, Facts{}, nil},
		{"AV1 layers are read from the OBU", AV1, []byte{0x10, 0x34, 0x48, 7}, true,
			Facts{FrameStart: true, FrameEnd: true, TID: 2, SID: 1}, nil},
		{"an AV1 continuation cannot start a sequence", AV1, []byte{0x88, 1}, false, Facts{}, ErrInvalid},
		{"an AV1 OBU that runs over is an error", AV1, []byte{0x20, 9, 0x30}, false, Facts{}, ErrInvalid},
		{"an AV1 length without end is an error", AV1, []byte{0x00, 0x80, 0x80}, false, Facts{}, ErrInvalid},
		{"the AV1 forbidden bit is an error", AV1, []byte{0x10, 0x80}, false, Facts{}, ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Reader{Kind: tt.kind}
			got, err := r.Read(tt.payload, tt.marker)
			if !errors.Is(err, tt.err) || got != tt.want {
				t.Errorf("got %+v, %v\nwant %+v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestOnceAnH264StreamSentAnSPSItsIDRAloneIsNoStart(t *testing.T) {
	r := Reader{Kind: H264}
	if f, _ := r.Read([]byte{0x67, 0x42}, false); !f.KeyStart {
		t.Fatal("the SPS is no start")
	}
	if f, _ := r.Read([]byte{0x65, 0x88}, false); f.KeyStart || !f.FrameStart {
		t.Errorf("%+v", f)
	}
}

func FuzzReadVP8(f *testing.F) {
	f.Add([]byte{0x90, 0xf0, 0x81, 0x23, 0x05, 0xa1, 0x00, 0, 0, 0x9d, 1, 0x2a, 1, 1, 1, 1})
	f.Add([]byte{0x10, 0x9d})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Reader{Kind: VP8}
		facts, err := r.Read(b, false)
		var o codecs.VP8Packet
		if _, oerr := o.Unmarshal(b); oerr == nil && err == nil && o.T == 1 && facts.TID != o.TID {
			t.Fatalf("TID %d, pion %d", facts.TID, o.TID)
		}
		m := VP8Map{}
		m.Switch(1)
		m.Drop(1, b)
		c := append([]byte{}, b...)
		m.Rewrite(1, c)
		m.Drop(1, b)
		m.Rewrite(1, c)
	})
}

func FuzzReadVP9(f *testing.F) {
	f.Add([]byte{0xf8, 0x81, 0x23, 0x52, 0x03, 0x04, 9})
	f.Add([]byte{0x0a, 0x38, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 1, 0x04, 1, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Reader{Kind: VP9}
		facts, err := r.Read(b, false)
		var o codecs.VP9Packet
		if _, oerr := o.Unmarshal(b); oerr == nil && err == nil {
			if facts.TID != o.TID || facts.SID != o.SID || facts.FrameStart != o.B || facts.Opens != (o.U || facts.KeyStart) {
				t.Fatalf("%+v, pion %+v", facts, o)
			}
		}
	})
}

func FuzzReadH264(f *testing.F) {
	f.Add([]byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce})
	f.Add([]byte{0x7c, 0x85, 0x88})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Reader{Kind: H264}
		_, _ = r.Read(b, true)
	})
}

func FuzzReadAV1(f *testing.F) {
	f.Add([]byte{0x28, 2, 0x08, 0, 0x30, 1})
	f.Add([]byte{0x10, 0x34, 0x48, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Reader{Kind: AV1}
		_, _ = r.Read(b, true)
	})
}

func TestReadingAllocatesNothing(t *testing.T) {
	r := Reader{}
	p := []byte{0x90, 0xf0, 0x81, 0x23, 0x05, 0xa1, 0x00, 0, 0, 0x9d, 1, 0x2a, 1, 1, 1, 1}
	m := VP8Map{}
	if n := testing.AllocsPerRun(100, func() {
		for k := Opus; k <= AV1; k++ {
			r.Kind = k
			_, _ = r.Read(p, true)
		}
		m.Switch(m.epoch + 1)
		m.Rewrite(m.epoch, p)
		m.Drop(m.epoch, p)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReadVP8(b *testing.B) {
	r := Reader{Kind: VP8}
	p := []byte{0x90, 0xf0, 0x81, 0x23, 0x05, 0xa1, 0x00, 0, 0, 0x9d, 1, 0x2a, 1, 1, 1, 1}
	for b.Loop() {
		_, _ = r.Read(p, true)
	}
}
