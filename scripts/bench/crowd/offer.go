package crowd

import (
	_ "embed" // the browser's offer
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Shape is what a client offers.
type Shape struct {
	Publish                bool // a microphone and a camera
	AudioSlots, VideoSlots int
	Browser                bool // the offer is as long as Chromium's: 3 and 9 slots, with all codecs and four lines to send
}

// browserOffer is what the SDK offers in Chromium 156 before it joins, with the names left open.
//
//go:embed testdata/chromium.sdp
var browserOffer string

// Numbers of the offer; an answer keeps them.
const (
	midID, tccID, levelID = 4, 3, 1
	vp8PT, rtxPT, opusPT  = 96, 97, 111
	audioMid, videoMid    = "0", "1" // of a publisher
)

var extURIs = map[int]string{
	midID:   "urn:ietf:params:rtp-hdrext:sdes:mid",
	tccID:   "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
	levelID: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
}

// offer writes the session description of a client.
func (c *Client) offer(s Shape) string {
	if s.Browser {
		return strings.NewReplacer("UFRAG", c.ufrag, "PASSWORD", c.password, "FINGERPRINT", identity().fingerprint).Replace(browserOffer)
	}
	var b strings.Builder
	n := s.AudioSlots + s.VideoSlots
	if s.Publish {
		n += 2
	}
	b.WriteString("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE")
	for i := range n {
		fmt.Fprintf(&b, " %d", i)
	}
	b.WriteString("\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n")
	mid := 0
	section := func(video bool, direction string, ssrc uint32) {
		kind, formats := "audio", "111"
		if video {
			kind, formats = "video", "96 97"
		}
		fmt.Fprintf(&b, "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n", kind, formats)
		fmt.Fprintf(&b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:active\r\n", c.ufrag, c.password, identity().fingerprint)
		fmt.Fprintf(&b, "a=mid:%d\r\na=%s\r\na=rtcp-mux\r\n", mid, direction)
		for _, id := range []int{midID, tccID, levelID} {
			if id != levelID || !video {
				fmt.Fprintf(&b, "a=extmap:%d %s\r\n", id, extURIs[id])
			}
		}
		if video {
			b.WriteString("a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n")
		} else {
			b.WriteString("a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n")
		}
		if ssrc != 0 {
			fmt.Fprintf(&b, "a=msid:s%d t%d\r\na=ssrc:%d cname:c%d\r\na=ssrc:%d msid:s%d t%d\r\n", c.Number, ssrc, ssrc, c.Number, ssrc, c.Number, ssrc)
		}
		mid++
	}
	if s.Publish {
		section(false, "sendonly", c.audioSSRC())
		section(true, "sendonly", c.videoSSRC())
	}
	for range s.AudioSlots {
		section(false, "recvonly", 0)
	}
	for range s.VideoSlots {
		section(true, "recvonly", 0)
	}
	return b.String()
}

func (c *Client) audioSSRC() uint32 { return 1_000_000 + 10*c.Number }
func (c *Client) videoSSRC() uint32 { return 1_000_001 + 10*c.Number }

// answer takes the name, the password and the address to send to.
func (c *Client) answer(sdp string) error {
	c.remoteUfrag, c.remotePassword = attribute(sdp, "a=ice-ufrag:"), attribute(sdp, "a=ice-pwd:")
	for line := range strings.Lines(sdp) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "a=candidate:")
		f := strings.Fields(rest)
		if !ok || len(f) < 8 || f[1] != "1" || !strings.EqualFold(f[2], "udp") || f[7] != "host" {
			continue
		}
		addr, err := netip.ParseAddr(f[4])
		port, err2 := strconv.ParseUint(f[5], 10, 16)
		if err == nil && err2 == nil && addr.Is4() {
			c.remote = netip.AddrPortFrom(addr, uint16(port))
			break
		}
	}
	if c.remoteUfrag == "" || c.remotePassword == "" || !c.remote.IsValid() {
		return fmt.Errorf("the answer names no way to the server")
	}
	return nil
}

func attribute(sdp, prefix string) string {
	_, rest, _ := strings.Cut(sdp, prefix)
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}
