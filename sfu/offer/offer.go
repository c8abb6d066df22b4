package offer

import "fmt"

// Limits of one offer. Browsers stay far below them with the pool of slots the node supports.
const (
	MaxBytes      = 64 << 10
	MaxSections   = 128
	MaxCandidates = 64
	MaxSending    = 4
	MaxRids       = 3
	maxLine       = 4096
	maxExts       = 16
	maxFormats    = 64
	maxSSRCs      = 8
)

// Error says why an offer was refused, in words that hold nothing of the offer's own text but short tokens.
type Error struct{ Reason string }

func (e *Error) Error() string { return "offer refused: " + e.Reason }

func refuse(format string, args ...any) error { return &Error{Reason: fmt.Sprintf(format, args...)} }

// Codec is a codec in the one profile of it that the node forwards.
type Codec uint8

// The codecs.
const (
	None Codec = iota
	Opus
	VP8
	VP9
	H264
	AV1
)

var codecNames = [...]string{"none", "opus", "vp8", "vp9", "h264", "av1"}

func (c Codec) String() string {
	if int(c) < len(codecNames) {
		return codecNames[c]
	}
	return "unknown"
}

// ParseCodec is the inverse of String for the codecs a node can be configured with.
func ParseCodec(name string) (Codec, bool) {
	for i, n := range codecNames {
		if i > 0 && n == name {
			return Codec(i), true
		}
	}
	return None, false
}

// Video says whether the codec carries pictures.
func (c Codec) Video() bool { return c >= VP8 }

// ClockRate is the RTP clock of the codec in Hz.
func (c Codec) ClockRate() uint32 {
	if c == Opus {
		return 48000
	}
	return 90000
}

// Mime is the codec's name as the ICE and DTLS engine spells it.
func (c Codec) Mime() string {
	switch c {
	case Opus:
		return "audio/opus"
	case VP8:
		return "video/VP8"
	case VP9:
		return "video/VP9"
	case H264:
		return "video/H264"
	case AV1:
		return "video/AV1"
	}
	return ""
}

// Ext is a header extension that the node understands.
type Ext uint8

// The header extensions.
const (
	ExtNone Ext = iota
	ExtMid
	ExtRid
	ExtRepairedRid
	ExtTransportCC
	ExtAudioLevel
	ExtDependency
	ExtOrientation
	extCount
)

var extURIs = [extCount]string{
	ExtMid:         "urn:ietf:params:rtp-hdrext:sdes:mid",
	ExtRid:         "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
	ExtRepairedRid: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
	ExtTransportCC: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
	ExtAudioLevel:  "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
	ExtDependency:  "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
	ExtOrientation: "urn:3gpp:video-orientation",
}

// URI is the extension's name in SDP.
func (e Ext) URI() string { return extURIs[e] }

// Use says in which sections the extension is kept: of the client's sending sections, of its slots; audio, video.
func (e Ext) Use(send, video bool) bool {
	switch e {
	case ExtMid, ExtTransportCC:
		return send || e == ExtTransportCC
	case ExtAudioLevel:
		return !video
	case ExtOrientation, ExtDependency:
		return video
	case ExtRid, ExtRepairedRid:
		return send && video
	}
	return false
}

// Format is one payload type of a section, with its retransmission payload type and that of its redundant form
// (RFC 2198); 0 when there is none.
type Format struct {
	PT, RTX  uint8
	RED      uint8
	REDFirst bool // the redundant form is what the client would rather send
	Codec    Codec
	Fmtp     string
	Feedback []string
}

// SSRC is a stream named in the offer, with its retransmission stream (0 when there is none).
type SSRC struct{ Primary, RTX uint32 }

// Section is one m-line.
type Section struct {
	Mid     string
	Video   bool
	Send    bool // the client sends here; otherwise this is a slot
	Formats []Format
	Exts    [extCount]uint8 // id in this section, 0 when absent
	Rids    []string        // in the order of a=simulcast, lowest layer first
	SSRCs   []SSRC
}

// Rejected is an m-line that the node does not take: it stays in the answer, with port 0.
type Rejected struct {
	Index int    // among all m-lines
	Line  string // as it is answered
	Mid   string // may be empty
}

// Offer is a whole offer, understood.
type Offer struct {
	Sections        []Section // those that are taken
	Rejected        []Rejected
	Bundled         bool
	Ufrag, Password string
	Hash, Print     string // fingerprint
	Setup           string
	Mozilla         bool
	MixedExts       bool

	// One payload type and one extension id mean one thing in the whole bundle.
	ByPT  [128]Format // Codec is None for an unused one
	RTXOf [128]uint8  // retransmission payload type → primary, 0 when it is none
	REDOf [128]uint8  // payload type of the redundant form → primary, 0 when it is none
	Exts  [extCount]uint8
}

// Plain leaves out the redundant form of sound, as if the client had not offered it.
func (o *Offer) Plain() {
	for i := range o.Sections {
		for j := range o.Sections[i].Formats {
			f := &o.Sections[i].Formats[j]
			f.RED, f.REDFirst = 0, false
		}
	}
	for i := range o.ByPT {
		o.ByPT[i].RED, o.ByPT[i].REDFirst = 0, false
	}
	o.REDOf = [128]uint8{}
}

// Slots lists the indexes of the receiving sections: audio first or last, as the client wrote them.
func (o *Offer) Slots() []int {
	var slots []int
	for i := range o.Sections {
		if !o.Sections[i].Send {
			slots = append(slots, i)
		}
	}
	return slots
}
