package wire

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

func TestDecodeRefusesWhatIsNotTheProtocol(t *testing.T) {
	deep := strings.Repeat(`{"join":`, 200) + "{}" + strings.Repeat("}", 200)
	for name, text := range map[string]string{
		"empty":           "",
		"no body":         `{"id":1}`,
		"null body":       `{"id":1,"ping":null}`,
		"two bodies":      `{"id":1,"ping":{},"leave":{}}`,
		"unknown message": `{"id":1,"sudo":{}}`,
		"unknown field":   `{"id":1,"ping":{"x":1}}`,
		"repeated field":  `{"id":1,"id":2,"ping":{}}`,
		"not an object":   `[1,2,3]`,
		"trailing text":   `{"id":1,"ping":{}} {}`,
		"deep nesting":    deep,
		"deep arrays":     `{"setWishes":{"wishes":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}`,
		"invalid UTF-8":   "{\"id\":1,\"sendChat\":{\"text\":\"\xff\xfe\"}}",
		"lone surrogate":  `{"id":1,"sendChat":{"text":"\ud800"}}`,
		"negative id":     `{"id":-1,"ping":{}}`,
		"fractional id":   `{"id":1.5,"ping":{}}`,
		"server message":  `{"re":1,"pong":{}}`,
	} {
		if m, err := DecodeClient([]byte(text)); !errors.Is(err, ErrBadMessage) {
			t.Errorf("%s: got %v, %v", name, m, err)
		}
	}
}

func TestOnlyOffersMayBeLong(t *testing.T) {
	text := func(verb, field string, n int) []byte {
		return []byte(`{"id":1,"` + verb + `":{"` + field + `":"` + strings.Repeat("a", n) + `"}}`)
	}
	for _, verb := range []string{"join", "resume", "renegotiate", "moveOffer"} {
		if _, err := DecodeClient(text(verb, "offer", 90<<10)); err != nil {
			t.Errorf("%s of 90 KiB: %v", verb, err)
		}
		if _, err := DecodeClient(text(verb, "offer", 97<<10)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s of 97 KiB: %v", verb, err)
		}
	}
	if _, err := DecodeClient(text("sendChat", "text", 65<<10)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("chat of 65 KiB: %v", err)
	}
}

func FuzzDecodeClient(f *testing.F) {
	files, _ := filepath.Glob("golden/client-*.json")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"id":1,"ping":{}}`))
	f.Add([]byte(strings.Repeat(`{"join":`, 100)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeClient(data)
		if err != nil {
			if !errors.Is(err, ErrBadMessage) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		again, err := Encode(m)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		if len(again) > MaxOfferMessage {
			return // numbers and escapes may be written longer than they came
		}
		back, err := DecodeClient(again)
		if errors.Is(err, ErrTooLarge) {
			return
		}
		if err != nil || !proto.Equal(m, back) {
			t.Fatalf("decoded again: %v, %v; first %v", back, err, m)
		}
	})
}
