package whip

import (
	"strings"
	"testing"
)

const answer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:node\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=rtpmap:111 opus/48000/2\r\n" +
	"a=candidate:1 1 udp 1 192.0.2.1 7000 typ host\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:node\r\n"

func TestAFragmentTellsTheNewNamesAndCandidatesOnly(t *testing.T) {
	got := ofAnswer(answer)
	for _, want := range []string{"a=ice-lite", "m=audio", "a=mid:0\r\n", "a=ice-ufrag:node", "a=ice-pwd:", "a=candidate:1"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	if strings.Contains(got, "rtpmap") || strings.Contains(got, "a=mid:1") {
		t.Error(got)
	}
	if f, ok := parseFragment(got); !ok || f.ufrag != "node" || ufragOf(answer) != "node" {
		t.Errorf("%+v %v", f, ok)
	}
}

func TestARestartedOfferHasOtherNamesAndNothingElse(t *testing.T) {
	got := restarted(answer, fragment{ufrag: "wxyz", pwd: "0123456789012345678901"})
	if strings.Contains(got, "node") || strings.Contains(got, "candidate") || strings.Count(got, "a=ice-ufrag:wxyz\r\n") != 2 ||
		!strings.Contains(got, "a=ice-pwd:0123456789012345678901\r\n") {
		t.Error(got)
	}
}

func FuzzParseFragment(f *testing.F) {
	f.Add("a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 X 0\r\na=candidate:1 1 udp 1 1.2.3.4 9 typ host\r\n")
	f.Add("a=ice-ufrag:abcd\na=ice-ufrag:abce\n")
	f.Add(answer)
	f.Fuzz(func(t *testing.T, body string) {
		got, ok := parseFragment(body)
		if !ok {
			return
		}
		if (got.ufrag == "") != (got.pwd == "") || strings.ContainsAny(got.ufrag+got.pwd, "\r\n ") {
			t.Fatalf("%+v of %q", got, body)
		}
		if out := restarted(answer, got); strings.Count(out, "\n") > strings.Count(answer, "\n") {
			t.Fatalf("lines were smuggled in: %q", out)
		}
	})
}
