package stamp

import "testing"

func TestAMarkIsFoundWhereItWasLeft(t *testing.T) {
	payload := make([]byte, 100)
	if _, _, ok := Get(payload); ok {
		t.Error("zeros are taken for a mark")
	}
	Put(payload, 2, 1_790_000_000_123_456_789)
	if layer, at, ok := Get(payload); !ok || layer != 2 || at != 1_790_000_000_123_456_789 {
		t.Error(layer, at, ok)
	}
}

func FuzzGet(f *testing.F) {
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		layer, at, ok := Get(b)
		if !ok {
			return
		}
		again := make([]byte, Len)
		Put(again, layer, at)
		if string(again) != string(b[len(b)-Len:]) {
			t.Fatal("what is read is not what is written")
		}
	})
}
