package offer

import (
	"errors"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
)

const print256 = "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89"

var allCodecs = []Codec{Opus, VP8, VP9, H264, AV1}

func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n" }

// chromium is shaped like a Chromium offer: microphone, simulcast camera, one audio and one video slot, all profiles.
func chromium() string {
	video := []string{
		"c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0", "a=ice-ufrag:abcd", "a=ice-pwd:aaaabbbbccccddddeeeeffff", "a=ice-options:trickle",
		"a=fingerprint:sha-256 " + print256, "a=setup:actpass",
		"a=extmap:1 urn:ietf:params:rtp-hdrext:toffset",
		"a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
		"a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
		"a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", "a=extmap:3 urn:3gpp:video-orientation",
		"a=rtcp-mux", "a=rtcp-rsize",
		"a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 goog-remb", "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:96 ccm fir", "a=rtcp-fb:96 nack",
		"a=rtcp-fb:96 nack pli", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96",
		"a=rtpmap:102 H264/90000", "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
		"a=rtpmap:106 H264/90000", "a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
		"a=rtpmap:107 rtx/90000", "a=fmtp:107 apt=106",
		"a=rtpmap:98 VP9/90000", "a=fmtp:98 profile-id=0", "a=rtpmap:99 rtx/90000", "a=fmtp:99 apt=98",
		"a=rtpmap:100 VP9/90000", "a=fmtp:100 profile-id=2",
		"a=rtpmap:45 AV1/90000", "a=fmtp:45 level-idx=5;profile=0;tier=0", "a=rtpmap:116 red/90000",
	}
	audio := []string{
		"c=IN IP4 0.0.0.0", "a=ice-ufrag:abcd", "a=ice-pwd:aaaabbbbccccddddeeeeffff", "a=fingerprint:sha-256 " + print256, "a=setup:actpass",
		"a=extmap:14 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
		"a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
		"a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid", "a=rtcp-mux",
		"a=rtpmap:111 opus/48000/2", "a=rtcp-fb:111 transport-cc", "a=fmtp:111 minptime=10;useinbandfec=1",
		"a=rtpmap:63 red/48000/2", "a=rtpmap:9 G722/8000",
	}
	out := lines("v=0", "o=- 123 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1 2 3", "a=extmap-allow-mixed", "a=msid-semantic: WMS")
	out += lines("m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9") + lines(audio...) + lines("a=mid:0", "a=sendonly", "a=msid:s t", "a=ssrc:4711 cname:x")
	pts := "96 97 102 106 107 98 99 100 45 116"
	out += lines("m=video 9 UDP/TLS/RTP/SAVPF "+pts) + lines(video...) + lines("a=mid:1", "a=sendonly", "a=rid:q send", "a=rid:h send", "a=rid:f send", "a=simulcast:send q;h;f")
	out += lines("m=audio 0 UDP/TLS/RTP/SAVPF 111 63 9") + lines(audio...) + lines("a=mid:2", "a=recvonly", "a=bundle-only")
	out += lines("m=video 9 UDP/TLS/RTP/SAVPF "+pts) + lines(video...) + lines("a=mid:3", "a=recvonly")
	return out
}

func TestABrowserOfferIsTrimmedToOneProfilePerCodec(t *testing.T) {
	o, err := Parse(chromium(), allCodecs)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Sections) != 4 || len(o.Slots()) != 2 || o.Mozilla || !o.MixedExts {
		t.Fatalf("%+v", o)
	}
	cam := o.Sections[1]
	if strings.Join(cam.Rids, "") != "qhf" || len(cam.Formats) != 4 {
		t.Fatalf("camera: %+v", cam)
	}
	for pt, want := range map[uint8]Codec{96: VP8, 106: H264, 98: VP9, 45: AV1, 111: Opus, 102: None, 100: None} {
		if o.ByPT[pt].Codec != want {
			t.Errorf("payload type %d is %v, not %v", pt, o.ByPT[pt].Codec, want)
		}
	}
	if o.RTXOf[97] != 96 || o.RTXOf[107] != 106 || o.ByPT[96].RTX != 97 {
		t.Error("retransmission payload types")
	}
	if o.Exts[ExtMid] != 9 || o.Exts[ExtTransportCC] != 4 || o.Exts[ExtAudioLevel] != 14 || o.Sections[3].Exts[ExtMid] != 0 {
		t.Errorf("extensions: %v", o.Exts)
	}
	if s := o.Sections[0].SSRCs; len(s) != 1 || s[0].Primary != 4711 {
		t.Errorf("ssrcs: %v", s)
	}
	trimmed := o.SDP()
	var parsed sdp.SessionDescription
	if err := parsed.UnmarshalString(trimmed); err != nil {
		t.Fatalf("%v\n%s", err, trimmed)
	}
	if !strings.Contains(trimmed, "usedtx=1") || strings.Contains(trimmed, "goog-remb") || strings.Contains(trimmed, "candidate") {
		t.Error(trimmed)
	}
	again, err := Parse(trimmed, allCodecs)
	if err != nil || again.SDP() != trimmed {
		t.Fatalf("the trimmed offer is not stable: %v", err)
	}
}

func TestRedundantSoundAndRequestsForLostSoundAreNegotiated(t *testing.T) {
	s := strings.ReplaceAll(chromium(), "a=rtpmap:63 red/48000/2", "a=rtcp-fb:111 nack\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111")
	for _, c := range []struct {
		line  string
		first bool
	}{{"SAVPF 63 111", true}, {"SAVPF 111 63", false}} {
		o, err := Parse(strings.ReplaceAll(s, "SAVPF 111 63", c.line), allCodecs)
		if err != nil {
			t.Fatal(err)
		}
		f := o.Sections[0].Formats[0]
		if f.RED != 63 || f.REDFirst != c.first || o.REDOf[63] != 111 || strings.Join(f.Feedback, ",") != "transport-cc,nack" {
			t.Errorf("%s: %+v", c.line, f)
		}
		again, err := Parse(o.SDP(), allCodecs)
		if err != nil || again.SDP() != o.SDP() || !strings.Contains(o.SDP(), c.line+"\r\n") {
			t.Errorf("%s: %v\n%s", c.line, err, o.SDP())
		}
	}
	o, err := Parse(s, allCodecs)
	if err != nil {
		t.Fatal(err)
	}
	o.Plain()
	if without := o.SDP(); strings.Contains(without, "red/48000") || !strings.Contains(without, "SAVPF 111\r\n") || o.REDOf[63] != 0 {
		t.Errorf("without redundant sound:\n%s", without)
	}
	for _, blocks := range []string{"", "111/9", "111/", "x"} {
		o, err := Parse(strings.ReplaceAll(s, "a=fmtp:63 111/111", "a=fmtp:63 "+blocks), allCodecs)
		if err != nil || o.REDOf[63] != 0 {
			t.Errorf("blocks %q: %v", blocks, err)
		}
	}
}

func TestFirefoxWritesVP9WithoutAProfile(t *testing.T) {
	s := strings.ReplaceAll(chromium(), "a=fmtp:98 profile-id=0", "a=fmtp:98 max-fs=12288;max-fr=60")
	s = strings.Replace(s, "o=- 123", "o=mozilla...THIS_IS_SDPARTA-99.0 123", 1)
	o, err := Parse(s, allCodecs)
	if err != nil || o.ByPT[98].Codec != VP9 || !o.Mozilla {
		t.Fatal(err, o)
	}
}

func TestBadOffersAreRefused(t *testing.T) {
	good := chromium()
	replace := func(old, by string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the offer", old)
		}
		return strings.ReplaceAll(good, old, by)
	}
	many := good
	for range MaxCandidates + 1 {
		many += "a=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\n"
	}
	cases := map[string]string{
		"empty":                 "",
		"no description":        "hello\r\n",
		"too large":             good + strings.Repeat("a=x\r\n", MaxBytes/4),
		"no sections":           "v=0\r\no=- 1 1 IN IP4 0\r\n",
		"control characters":    replace("s=-", "s=\x00"),
		"a section of text":     good + "m=text 9 UDP/TLS/RTP/SAVPF 99\r\n",
		"plain RTP":             replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
		"passive":               replace("a=setup:actpass", "a=setup:passive"),
		"all inactive":          strings.ReplaceAll(replace("a=recvonly", "a=inactive"), "a=sendonly", "a=inactive"),
		"no bundle":             replace("a=group:BUNDLE 0 1 2 3", "a=group:BUNDLE 0 1"),
		"no mux":                replace("a=rtcp-mux", "a=x"),
		"same mid twice":        replace("a=mid:1", "a=mid:0"),
		"hostile mid":           replace("a=mid:1", "a=mid:a b"),
		"long mid":              replace("a=mid:1", "a=mid:"+strings.Repeat("x", 65)),
		"no codec":              replace("opus", "speex"),
		"short password":        replace("a=ice-pwd:aaaabbbbccccddddeeeeffff", "a=ice-pwd:short"),
		"hostile ufrag":         replace("a=ice-ufrag:abcd", "a=ice-ufrag:ab:cd"),
		"no fingerprint":        replace("a=fingerprint:sha-256 "+print256, "a=x"),
		"weak hash":             replace("sha-256", "sha-1"),
		"hostile payload type":  replace("96 97 102", "96 300 102"),
		"repeated payload type": replace("96 97 102", "96 96 102"),
		"two meanings":          replace("a=extmap:3 urn:3gpp", "a=extmap:9 urn:3gpp"),
		"hostile extension":     replace("a=extmap:4 ", "a=extmap:x "),
		"rid without simulcast": replace("a=simulcast:send q;h;f", "a=x"),
		"foreign rid":           replace("a=simulcast:send q;h;f", "a=simulcast:send q;z"),
		"four rids":             replace("a=rid:q send", "a=rid:z send\r\na=rid:q send"),
		"candidates":            many,
	}
	for name, text := range cases {
		_, err := Parse(text, allCodecs)
		var refused *Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTooManySectionsAreRefused(t *testing.T) {
	s := chromium()
	for i := range MaxSections {
		s += lines("m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000/2", "a=recvonly", "a=x"+string(rune('a'+i%26)))
	}
	if _, err := Parse(s, allCodecs); err == nil || !strings.Contains(err.Error(), "sections") {
		t.Fatal(err)
	}
	// More senders than a participant has.
	audio := s[strings.Index(s, "m=audio"):strings.Index(s, "m=video")]
	three := strings.Replace(chromium(), "BUNDLE 0 1 2 3", "BUNDLE 0 1 2 3 8 9", 1) +
		strings.Replace(audio, "a=mid:0", "a=mid:8", 1) + strings.Replace(audio, "a=mid:0", "a=mid:9", 1)
	if _, err := Parse(three, allCodecs); err == nil || !strings.Contains(err.Error(), "sending") {
		t.Fatal(err)
	}
}

func TestFeedbackForAllPayloadTypesIsBoundedToo(t *testing.T) {
	s := &rawSection{pts: []uint8{96, 97}, feedback: map[uint8][]string{}}
	for range 1000 {
		if err := s.format("rtcp-fb", "* nack"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.feedback[96]); n > 16 {
		t.Errorf("%d kinds of feedback are kept for one payload type", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(chromium())
	f.Add("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n")
	f.Add(strings.ReplaceAll(chromium(), "send q;h;f", "send q,h;~f"))
	for _, text := range captured(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := Parse(text, allCodecs)
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		whole := strings.Count("\n"+o.Answer(o.SDP()), "\nm=")
		if whole != len(o.Sections)+len(o.Rejected) {
			t.Fatalf("%d sections and %d rejected ones became %d", len(o.Sections), len(o.Rejected), whole)
		}
		trimmed := o.SDP()
		var parsed sdp.SessionDescription
		if err := parsed.UnmarshalString(trimmed); err != nil {
			t.Fatalf("wrote what cannot be read: %v\n%q", err, trimmed)
		}
		if len(parsed.MediaDescriptions) != len(o.Sections) {
			t.Fatalf("%d sections became %d", len(o.Sections), len(parsed.MediaDescriptions))
		}
		again, err := Parse(trimmed, allCodecs)
		if err != nil || again.SDP() != trimmed {
			t.Fatalf("not stable: %v\n%q", err, trimmed)
		}
	})
}
