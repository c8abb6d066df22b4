package token_test

import (
	"strings"
	"testing"
)

func BenchmarkRoomVerify(b *testing.B) {
	w := newWorld(b)
	s := w.honest(b)["room"]
	for b.Loop() {
		if _, err := w.verifier.Room(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRoomRefuseDots(b *testing.B) {
	w := newWorld(b)
	s := strings.Repeat(".", 1_000_000)
	for b.Loop() {
		_, _ = w.verifier.Room(s)
	}
}
