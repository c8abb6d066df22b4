package peer

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"incamera/sfu/offer"
)

const print256 = "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99"

const sdp = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 " + print256 + "\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" +
	"a=candidate:1 1 udp 2130706431 192.0.2.1 8490 typ host\r\n" +
	"a=candidate:1 2 udp 2130706431 192.0.2.1 8491 typ host\r\n" +
	"a=candidate:2 1 tcp 1 192.0.2.1 443 typ host tcptype passive\r\n" +
	"a=candidate:3 1 udp 2130706431 2001:db8::1 8490 typ host\r\n" +
	"a=candidate:4 1 udp 2130706431 somebody.local 8490 typ host\r\n" +
	"a=ssrc-group:FID 100 200\r\n"

func TestAnAnswerSaysWhereAndWhoTheServerIs(t *testing.T) {
	a, err := parseAnswer(sdp)
	if err != nil {
		t.Fatal(err)
	}
	want := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:8490"), netip.MustParseAddrPort("[2001:db8::1]:8490")}
	if len(a.candidates) != 2 || a.candidates[0] != want[0] || a.candidates[1] != want[1] {
		t.Errorf("candidates %v", a.candidates)
	}
	if a.ufrag != "abcd" || len(a.password) != 22 || a.print[1] != 0xbb || a.repairs[200] != 100 {
		t.Errorf("%+v", a)
	}
}

func TestAnIncompleteAnswerIsRefused(t *testing.T) {
	for cut, want := range map[string]error{
		"a=ice-ufrag": ErrAnswer, "a=ice-pwd": ErrAnswer, "a=fingerprint": ErrAnswer, "a=candidate": ErrNoCandidate,
	} {
		var kept []string
		for _, line := range strings.Split(sdp, "\r\n") {
			if !strings.HasPrefix(line, cut) {
				kept = append(kept, line)
			}
		}
		if _, err := parseAnswer(strings.Join(kept, "\r\n")); !errors.Is(err, want) {
			t.Errorf("without %s: %v", cut, err)
		}
	}
	if _, err := parseAnswer(strings.Replace(sdp, "sha-256", "sha-1", 1)); !errors.Is(err, ErrHash) {
		t.Error(err)
	}
}

// The server's own parser must understand every offer that is made here as it is meant.
func TestTheServerUnderstandsTheOffers(t *testing.T) {
	identity, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Sections{
		"a viewer":        {Codec: VP8, AudioSlots: 3, VideoSlots: 25},
		"simulcast":       {Codec: VP8, Mic: &Stream{SSRC: 1}, Camera: []Stream{{2, 3}, {4, 5}, {6, 7}}, Rids: []string{"q", "h", "f"}},
		"spatial layers":  {Codec: VP9, Mic: &Stream{SSRC: 1}, Camera: []Stream{{2, 3}}, AudioSlots: 3, VideoSlots: 9},
		"pictures only":   {Codec: VP8, Camera: []Stream{{2, 3}}},
		"microphone only": {Codec: VP8, Mic: &Stream{SSRC: 1}},
	} {
		p := New(nil, identity, s, nil)
		o, err := offer.Parse(p.Offer(), []offer.Codec{offer.Opus, offer.VP8, offer.VP9})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(o.Slots()) != s.AudioSlots+s.VideoSlots || len(o.Rejected) != 0 {
			t.Errorf("%s: %d slots, %d rejected", name, len(o.Slots()), len(o.Rejected))
		}
		if o.Exts[offer.ExtTransportCC] != ExtTransportCC || o.Ufrag != p.check.ufrag || o.Password != p.check.password {
			t.Errorf("%s: %+v", name, o.Exts)
		}
		for _, section := range o.Sections {
			if section.Mid == CameraMID && (!section.Send || len(section.Rids) != len(s.Rids) || section.Formats[0].RTX != s.Codec.RTX) {
				t.Errorf("%s: camera %+v", name, section)
			}
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(sdp)
	f.Add("a=candidate:1 1 udp 1 [ 1")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAnswer(s)
		if err == nil && (len(a.candidates) == 0 || len(a.candidates) > maxCandidates || len(a.repairs) > maxRepairs) {
			t.Fatalf("%+v", a)
		}
	})
}
