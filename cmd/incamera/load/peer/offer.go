package peer

import (
	"fmt"
	"strings"
)

// Payload types and header extension ids of every offer. The answer keeps them.
const (
	PTOpus   = 111
	PTVP8    = 96
	PTVP8RTX = 97
	PTVP9    = 98
	PTVP9RTX = 99

	ExtMID         = 1
	ExtRID         = 2
	ExtTransportCC = 3
	ExtLevel       = 4
	ExtDependency  = 5
	ExtRepairedRID = 6
)

const (
	uriMID         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	uriRID         = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	uriRepairedRID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	uriTransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	uriLevel       = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	uriDependency  = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

// Codec is a video codec by its payload types.
type Codec struct {
	Name    string
	PT, RTX uint8
	fmtp    string
}

// The codecs of which traffic is made.
var (
	VP8 = Codec{Name: "VP8", PT: PTVP8, RTX: PTVP8RTX}
	VP9 = Codec{Name: "VP9", PT: PTVP9, RTX: PTVP9RTX, fmtp: "profile-id=0"}
)

// Stream is one SSRC with that of its repairs (0: none).
type Stream struct{ SSRC, RTX uint32 }

// Sections say what an offer holds. The microphone's mid is "0", the camera's "1" (MicMID, CameraMID).
type Sections struct {
	Mic    *Stream
	Camera []Stream // one for each of Rids, or a single one
	Rids   []string // simulcast layers, small to large
	Codec  Codec    // of the camera and of all video slots

	AudioSlots, VideoSlots int

	// Text is a whole offer instead, a browser's for instance, in which UFRAG, PASSWORD and FINGERPRINT stand for what
	// is the client's own. Its payload types and header extensions must have the numbers above as far as they are used.
	Text string
}

// The mids of what is sent.
const (
	MicMID    = "0"
	CameraMID = "1"
)

type section struct {
	b   strings.Builder
	mid string
}

// write makes the text of an offer; the version counts up with each.
func (s *Sections) write(version int, ufrag, password, fingerprint string) string {
	if s.Text != "" {
		return strings.NewReplacer("UFRAG", ufrag, "PASSWORD", password, "FINGERPRINT", fingerprint).Replace(s.Text)
	}
	var all []*section
	add := func(kind, mid, formats, direction string) *strings.Builder {
		one := &section{mid: mid}
		fmt.Fprintf(&one.b, "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n", kind, formats)
		fmt.Fprintf(&one.b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:active\r\n", ufrag, password, fingerprint)
		fmt.Fprintf(&one.b, "a=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", mid, direction)
		fmt.Fprintf(&one.b, "a=extmap:%d %s\r\na=extmap:%d %s\r\n", ExtMID, uriMID, ExtTransportCC, uriTransportCC)
		all = append(all, one)
		return &one.b
	}
	audio := func(mid, direction string) *strings.Builder {
		b := add("audio", mid, fmt.Sprint(PTOpus), direction)
		fmt.Fprintf(b, "a=extmap:%d %s\r\n", ExtLevel, uriLevel)
		fmt.Fprintf(b, "a=rtpmap:%d opus/48000/2\r\na=rtcp-fb:%d transport-cc\r\na=fmtp:%d minptime=10;useinbandfec=1\r\n", PTOpus, PTOpus, PTOpus)
		return b
	}
	video := func(mid, direction string) *strings.Builder {
		c := s.Codec
		b := add("video", mid, fmt.Sprintf("%d %d", c.PT, c.RTX), direction)
		fmt.Fprintf(b, "a=rtpmap:%d %s/90000\r\n", c.PT, c.Name)
		for _, fb := range []string{"transport-cc", "ccm fir", "nack", "nack pli"} {
			fmt.Fprintf(b, "a=rtcp-fb:%d %s\r\n", c.PT, fb)
		}
		if c.fmtp != "" {
			fmt.Fprintf(b, "a=fmtp:%d %s\r\n", c.PT, c.fmtp)
		}
		fmt.Fprintf(b, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", c.RTX, c.RTX, c.PT)
		return b
	}
	if s.Mic != nil {
		b := audio(MicMID, "sendonly")
		fmt.Fprintf(b, "a=msid:load mic\r\na=ssrc:%d cname:load\r\n", s.Mic.SSRC)
	}
	if len(s.Camera) > 0 {
		s.camera(video(CameraMID, "sendonly"))
	}
	for i := range s.AudioSlots {
		audio(fmt.Sprint("a", i), "recvonly")
	}
	for i := range s.VideoSlots {
		video(fmt.Sprint("v", i), "recvonly")
	}

	var out strings.Builder
	fmt.Fprintf(&out, "v=0\r\no=- 1 %d IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE", version)
	for _, one := range all {
		out.WriteString(" " + one.mid)
	}
	out.WriteString("\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n")
	for _, one := range all {
		out.WriteString(one.b.String())
	}
	return out.String()
}

func (s *Sections) camera(b *strings.Builder) {
	fmt.Fprintf(b, "a=extmap:%d %s\r\na=msid:load camera\r\n", ExtDependency, uriDependency)
	if len(s.Rids) == 0 {
		one := s.Camera[0]
		fmt.Fprintf(b, "a=ssrc-group:FID %d %d\r\na=ssrc:%d cname:load\r\na=ssrc:%d cname:load\r\n", one.SSRC, one.RTX, one.SSRC, one.RTX)
		return
	}
	fmt.Fprintf(b, "a=extmap:%d %s\r\na=extmap:%d %s\r\n", ExtRID, uriRID, ExtRepairedRID, uriRepairedRID)
	for _, rid := range s.Rids {
		fmt.Fprintf(b, "a=rid:%s send\r\n", rid)
	}
	fmt.Fprintf(b, "a=simulcast:send %s\r\n", strings.Join(s.Rids, ";"))
}
