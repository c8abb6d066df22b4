package offer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// captured are offers as other people's clients wrote them, by name; testdata/README.md says which and how.
func captured(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.sdp")
	if err != nil || len(files) == 0 {
		t.Fatal("no captured offers", err)
	}
	offers := map[string]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		offers[strings.TrimSuffix(filepath.Base(name), ".sdp")] = string(text)
	}
	return offers
}

// unbundled asks for a transport per section, which the node does not have.
func unbundled(name string) bool { return strings.HasSuffix(name, "-unbundled") }

func TestEncodersThatWeDidNotWriteAreUnderstood(t *testing.T) {
	for name, text := range captured(t) {
		if strings.Contains(name, "-whep") || unbundled(name) {
			continue
		}
		o, err := Parse(text, allCodecs)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		kinds := map[bool]Section{}
		for _, s := range o.Sections {
			if !s.Send || len(s.Formats) == 0 {
				t.Errorf("%s: section %s is not one to send in: %+v", name, s.Mid, s)
			}
			kinds[s.Video] = s
		}
		if len(o.Sections) != 2 || len(kinds) != 2 {
			t.Errorf("%s: %d sections", name, len(o.Sections))
		}
		if want := map[bool]Codec{true: H264, false: VP8}[strings.Contains(name, "h264")]; kinds[true].Formats[0].Codec != want {
			t.Errorf("%s: %s leads", name, kinds[true].Formats[0].Codec)
		}
	}
}

func TestPlayersThatWeDidNotWriteAreUnderstood(t *testing.T) {
	for name, text := range captured(t) {
		if strings.Contains(name, "-whip") || unbundled(name) {
			continue
		}
		o, err := ParsePlayer(text, allCodecs)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(o.Slots()) != 2 || len(o.Sections) != 2 {
			t.Errorf("%s: %d slots in %d sections", name, len(o.Slots()), len(o.Sections))
		}
	}
}

func TestAnOfferWithoutABundleIsRefusedInWords(t *testing.T) {
	_, err := Parse(captured(t)["gstreamer-whip-unbundled"], allCodecs)
	if err == nil || !strings.Contains(err.Error(), "bundled") {
		t.Fatal(err)
	}
	// A section that is alone needs none, and its answer claims none.
	text := captured(t)["gstreamer-whip-unbundled"]
	text = text[:strings.Index(text, "m=audio")]
	o, err := Parse(text, allCodecs)
	if err != nil || len(o.Sections) != 1 {
		t.Fatal(err)
	}
	if answer := o.Answer(o.SDP()); strings.Contains(answer, "BUNDLE") {
		t.Fatal(answer)
	}
}

func TestADataChannelIsRejectedInItsPlace(t *testing.T) {
	for _, name := range []string{"chromium-sendrecv", "firefox-sendrecv", "wrtc-sendrecv"} {
		o, err := Parse(captured(t)[name], allCodecs)
		if err != nil || len(o.Rejected) != 1 {
			t.Fatal(name, err)
		}
		if trimmed := o.SDP(); strings.Contains(trimmed, "application") {
			t.Fatalf("the engine is given %q", trimmed)
		}
		answer := o.Answer(o.SDP())
		if !strings.HasSuffix(answer, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=inactive\r\n") {
			t.Fatalf("%s: %q", name, answer)
		}
		if !strings.Contains(answer, "a=group:BUNDLE 0 1\r\n") {
			t.Fatalf("%s: the rejected section is in the bundle", name)
		}
	}
}

func TestRejectedSectionsKeepTheOthersInTheirPlaces(t *testing.T) {
	text := captured(t)["chromium-sendrecv"]
	audio, video, data := strings.Index(text, "m=audio"), strings.Index(text, "m=video"), strings.Index(text, "m=application")
	first := text[:audio] + text[data:] + strings.ReplaceAll(text[audio:video], "a=sendrecv", "a=inactive") + text[video:data]
	o, err := Parse(first, allCodecs)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for line := range strings.Lines(o.Answer(o.SDP())) {
		if strings.HasPrefix(line, "m=") {
			fields := strings.Fields(line)
			kinds = append(kinds, fields[0]+" "+fields[1])
		}
	}
	if want := []string{"m=application 0", "m=audio 0", "m=video 9"}; !slices.Equal(kinds, want) {
		t.Fatal(kinds)
	}
}

func TestBothWaysIsWhatTheClientCameFor(t *testing.T) {
	text := captured(t)["firefox-sendrecv"]
	o, err := Parse(text, allCodecs)
	if err != nil || len(o.Slots()) != 0 {
		t.Fatal(err, o.Slots())
	}
	if o, err = ParsePlayer(text, allCodecs); err != nil || len(o.Slots()) != 2 {
		t.Fatal(err, o.Slots())
	}
	if o.Sections[1].Exts[ExtMid] != 0 {
		t.Fatal("a slot names its section in every packet")
	}
}

func TestConstrainedBaselineHasSeveralSpellings(t *testing.T) {
	for profile, want := range map[string]bool{
		"42e01f": true, "42E01F": true, "42c00c": true, "4240ff": true, "4d801f": true, "58c01f": true,
		"42001f": false, "4d001f": false, "4d401f": false, "640c1f": false, "64001f": false, "580000": false, "42e0": false, "": false, "zzzzzz": false,
	} {
		if constrainedBaseline(profile) != want {
			t.Errorf("%q: %v", profile, !want)
		}
	}
	o, err := Parse(captured(t)["gstreamer-whip-h264"], allCodecs)
	if err != nil || !strings.HasSuffix(o.ByPT[96].Fmtp, "profile-level-id=42c01f") {
		t.Fatal(err, o.ByPT[96].Fmtp)
	}
}
