package red

import "testing"

func BenchmarkAppend(b *testing.B) {
	payload, err := Put(nil, Block{PT: 111, Offset: 960, Payload: make([]byte, 80)}, Block{PT: 111, Payload: make([]byte, 80)})
	if err != nil {
		b.Fatal(err)
	}
	var room [MaxBlocks]Block
	for b.Loop() {
		_, _ = Append(room[:0], payload)
	}
}
