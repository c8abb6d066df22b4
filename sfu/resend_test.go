package sfu

import (
	"bytes"
	"testing"
)

func TestAVoiceIsKeptForAThirdOfASecondInLittleMemory(t *testing.T) {
	for _, tt := range []struct{ size, bytes int }{{110, 4 << 10}, {330, 8 << 10}, {700, 16 << 10}} {
		var o outbound
		for n := range 1000 {
			o.keep(uint16(n), bytes.Repeat([]byte{byte(n)}, tt.size))
			for back := range min(n, keptLeast) {
				if b := o.get(uint16(n - back)); b == nil || b[0] != byte(n-back) {
					t.Fatalf("packet %d of %d bytes is gone after %d others", n-back, tt.size, back)
				}
			}
		}
		if len(o.bytes) != tt.bytes {
			t.Errorf("packets of %d bytes take %d", tt.size, len(o.bytes))
		}
	}
}
