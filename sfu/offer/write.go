package offer

import (
	"fmt"
	"strconv"
	"strings"
)

// SDP writes the trimmed offer: same sections, mids, payload types and extension ids, one profile per codec, no candidates.
func (o *Offer) SDP() string {
	var b strings.Builder
	b.WriteString("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE")
	for i := range o.Sections {
		b.WriteByte(' ')
		b.WriteString(o.Sections[i].Mid)
	}
	b.WriteString("\r\n")
	if o.MixedExts {
		b.WriteString("a=extmap-allow-mixed\r\n")
	}
	for i := range o.Sections {
		o.write(&b, &o.Sections[i])
	}
	return strings.Clone(b.String()) // the engine keeps it for as long as the transport lives
}

// Answer makes the answer to the trimmed offer one to the client's own: with the sections that were rejected in their
// places, and without a bundle that nobody offered.
func (o *Offer) Answer(trimmed string) string {
	if len(o.Rejected) == 0 && o.Bundled {
		return trimmed
	}
	var b strings.Builder
	section, rejected := 0, o.Rejected
	weave := func() {
		for len(rejected) > 0 && rejected[0].Index == section {
			fmt.Fprintf(&b, "%s\r\nc=IN IP4 0.0.0.0\r\n", rejected[0].Line)
			if rejected[0].Mid != "" {
				fmt.Fprintf(&b, "a=mid:%s\r\n", rejected[0].Mid)
			}
			b.WriteString("a=inactive\r\n")
			rejected = rejected[1:]
			section++
		}
	}
	for line := range strings.Lines(trimmed) {
		if strings.HasPrefix(line, "m=") {
			weave()
			section++
		}
		if o.Bundled || !strings.HasPrefix(line, "a=group:BUNDLE") {
			b.WriteString(line)
		}
	}
	weave()
	return b.String()
}

// rejection is the m-line that says no: a format has to stand there, though it means nothing.
func (s *rawSection) rejection() string {
	format := "webrtc-datachannel"
	if !s.foreign {
		format = strconv.Itoa(int(s.pts[0]))
	}
	return fmt.Sprintf("m=%s 0 %s %s", s.kind, s.proto, format)
}

func (o *Offer) write(b *strings.Builder, s *Section) {
	kind, direction := "audio", "recvonly"
	if s.Video {
		kind = "video"
	}
	if s.Send {
		direction = "sendonly"
	}
	fmt.Fprintf(b, "m=%s 9 UDP/TLS/RTP/SAVPF", kind)
	for _, f := range s.Formats {
		if f.RED != 0 && f.REDFirst {
			fmt.Fprintf(b, " %d", f.RED)
		}
		fmt.Fprintf(b, " %d", f.PT)
		if f.RED != 0 && !f.REDFirst {
			fmt.Fprintf(b, " %d", f.RED)
		}
		if f.RTX != 0 {
			fmt.Fprintf(b, " %d", f.RTX)
		}
	}
	fmt.Fprintf(b, "\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s %s\r\na=setup:%s\r\n",
		o.Ufrag, o.Password, o.Hash, o.Print, o.Setup)
	fmt.Fprintf(b, "a=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", s.Mid, direction)
	for ext, id := range s.Exts {
		if id != 0 {
			fmt.Fprintf(b, "a=extmap:%d %s\r\n", id, Ext(ext).URI())
		}
	}
	for _, f := range s.Formats {
		name := f.Codec.Mime()[len("audio/"):]
		if f.Codec == Opus {
			name += "/48000/2"
		} else {
			name += "/90000"
		}
		fmt.Fprintf(b, "a=rtpmap:%d %s\r\n", f.PT, name)
		for _, fb := range f.Feedback {
			fmt.Fprintf(b, "a=rtcp-fb:%d %s\r\n", f.PT, fb)
		}
		if f.Fmtp != "" {
			fmt.Fprintf(b, "a=fmtp:%d %s\r\n", f.PT, f.Fmtp)
		}
		if f.RED != 0 {
			fmt.Fprintf(b, "a=rtpmap:%d red/48000/2\r\na=fmtp:%d %d/%d\r\n", f.RED, f.RED, f.PT, f.PT)
		}
		if f.RTX != 0 {
			fmt.Fprintf(b, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", f.RTX, f.RTX, f.PT)
		}
	}
	for _, rid := range s.Rids {
		fmt.Fprintf(b, "a=rid:%s send\r\n", rid)
	}
	if len(s.Rids) > 0 {
		fmt.Fprintf(b, "a=simulcast:send %s\r\n", strings.Join(s.Rids, ";"))
	}
}
