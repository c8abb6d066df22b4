package wire

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestAnSDPComesOutAsItWasPacked(t *testing.T) {
	section := "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n"
	for _, sdp := range []string{"v=0\r\n", "v=0\r\n" + strings.Repeat(section, 50)} {
		text := PackSDP(sdp)
		got, packed, err := UnpackSDP(text)
		if err != nil || !packed || got != sdp {
			t.Errorf("%d bytes: %d back, packed %v: %v", len(sdp), len(got), packed, err)
		}
		if len(sdp) > 1000 && len(text) > len(sdp)/5 {
			t.Errorf("%d bytes became %d", len(sdp), len(text))
		}
	}
	if got, packed, err := UnpackSDP("v=0\r\n"); got != "v=0\r\n" || packed || err != nil {
		t.Errorf("a plain SDP became %q, packed %v: %v", got, packed, err)
	}
}

// The file was made by a CompressionStream; the tests of the other language read it too.
func TestWhatABrowserPacksIsRead(t *testing.T) {
	text, err := os.ReadFile("testdata/packed.txt")
	if err != nil {
		t.Fatal(err)
	}
	got, packed, err := UnpackSDP(strings.TrimSpace(string(text)))
	if err != nil || !packed || !strings.HasPrefix(got, "v=0\r\n") || !strings.HasSuffix(got, "a=mid:11\r\n") {
		t.Fatalf("%q, packed %v: %v", got, packed, err)
	}
}

func TestABombIsUnpackedNoFurtherThanAnOfferMayBeLong(t *testing.T) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	for range 1 << 10 {
		_, _ = w.Write(make([]byte, 64<<10))
	}
	_ = w.Close()
	text := packedPrefix + base64.StdEncoding.EncodeToString(b.Bytes())
	if len(text) > MaxOfferMessage {
		text = text[:len(packedPrefix)+MaxOfferMessage/4*4-400]
	}
	got, _, err := UnpackSDP(text)
	if err != nil || len(got) != MaxOffer+1 {
		t.Fatalf("%d bytes: %v", len(got), err)
	}
}

func TestWhatIsNotPackedWellIsRefused(t *testing.T) {
	for _, text := range []string{"deflate:", "deflate:!", "deflate:AAAA", "deflate:v=0", PackSDP(strings.Repeat("v=0\r\n", 100))[:20]} {
		if _, packed, err := UnpackSDP(text); !packed || !errors.Is(err, ErrBadMessage) {
			t.Errorf("%q: packed %v, %v", text, packed, err)
		}
	}
}

func FuzzUnpackSDP(f *testing.F) {
	f.Add("v=0\r\n")
	f.Add(PackSDP("v=0\r\ns=-\r\n"))
	f.Add("deflate:AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		sdp, packed, err := UnpackSDP(text)
		if err != nil {
			if !errors.Is(err, ErrBadMessage) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		if packed && len(sdp) > MaxOffer+1 {
			t.Fatalf("%d bytes", len(sdp))
		}
		if again, _, err := UnpackSDP(PackSDP(sdp)); err != nil || len(sdp) <= MaxOffer && again != sdp {
			t.Fatalf("packed again: %v", err)
		}
	})
}
