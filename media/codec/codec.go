package codec

import (
	"errors"
	"strings"
)

// Kind is a codec.
type Kind uint8

// The codecs that are forwarded with knowledge of their frames.
const (
	None Kind = iota
	Opus
	VP8
	VP9
	H264
	AV1
)

// KindOf finds the codec of a MIME type such as "video/VP8" (letter case is free).
func KindOf(mime string) (Kind, bool) {
	_, name, ok := strings.Cut(mime, "/")
	if !ok {
		return None, false
	}
	for k := Opus; k <= AV1; k++ {
		if strings.EqualFold(name, k.String()) {
			return k, true
		}
	}
	return None, false
}

// String is the codec's name as SDP writes it.
func (k Kind) String() string {
	switch k {
	case Opus:
		return "opus"
	case VP8:
		return "VP8"
	case VP9:
		return "VP9"
	case H264:
		return "H264"
	case AV1:
		return "AV1"
	default:
		return "none"
	}
}

// Video says whether the codec is a video codec.
func (k Kind) Video() bool { return k >= VP8 }

// Errors of payloads that are cut or lie about themselves.
var (
	ErrShort   = errors.New("codec: payload too short")
	ErrInvalid = errors.New("codec: payload invalid")
)

// Facts is what is known of one packet.
type Facts struct {
	// KeyStart: the first packet of a key frame; a receiver may start here.
	KeyStart bool
	// FrameStart and FrameEnd: the packet begins or ends a frame (for SVC, of its spatial layer).
	FrameStart, FrameEnd bool
	// Config: the packet carries decoder configuration (H264 SPS, AV1 sequence header, VP9 scalability structure).
	Config bool
	// SwitchUp: from this packet on, a receiver of lower temporal layers may take this one too.
	SwitchUp bool
	// Opens: who takes this frame may take all higher temporal layers after it.
	Opens bool
	// Discardable: nothing else refers to this frame, it may be left out.
	Discardable bool
	// InterLayer: the frame refers to a lower spatial layer of the same picture (VP9).
	InterLayer bool
	TID, SID   uint8
	// Width and Height of a key frame when they are in clear, else 0.
	Width, Height uint16
	// HasPicture: the picture's id is known, in 7 or 15 bits, counting by one (VP9).
	HasPicture bool
	Picture    uint16
	// Numbered: the frame's number and the distances to the frames that it refers to are known (dependency descriptor).
	Numbered bool
	Number   uint16
	RefCount uint8
	Refs     [MaxRefs]uint16
}

// MaxRefs is how many references of a frame are kept.
const MaxRefs = 3

// Reader reads the packets of one stream. The zero value knows nothing; set Kind (and again when the payload type
// changes, which keeps the rest). It holds a little state because an H264 key frame may span packets in two ways.
type Reader struct {
	Kind Kind
	// Spatial is the number of spatial layers that the stream said it has, 0: it said nothing. With their sizes, if told.
	Spatial       int
	Width, Height [maxSpatial]uint16
	sawSPS        bool
}

const maxSpatial = 8

// Read finds the facts of one payload (without RTP padding). An empty payload has none. It never allocates.
// An error means hostile or broken bytes: the facts are then empty and the packet is best dropped.
func (r *Reader) Read(payload []byte, marker bool) (Facts, error) {
	if len(payload) == 0 {
		return Facts{}, nil
	}
	switch r.Kind {
	case VP8:
		return readVP8(payload, marker)
	case VP9:
		return r.readVP9(payload, marker)
	case H264:
		return r.readH264(payload, marker)
	case AV1:
		return readAV1(payload, marker)
	default:
		return Facts{FrameStart: true, FrameEnd: true}, nil
	}
}
