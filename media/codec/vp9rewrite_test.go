package codec

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

func TestVP9CountersGoOnOverSwitchesAndDistancesStay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m := NewVP9Map()
	last := -1
	for epoch := uint16(65530); epoch != 8; epoch++ {
		pid, step := uint16(r.IntN(1<<15)), uint16(1+r.IntN(3))
		tl0 := uint8(r.IntN(256))
		for i := range uint16(40) {
			p := []byte{0xa8, 0, 0, 0x02, tl0 + uint8(i), 9}
			binary.BigEndian.PutUint16(p[1:], 0x8000|(pid+i*step)&0x7fff)
			if !m.Rewrite(epoch, p) {
				t.Fatal("refused")
			}
			got := int(binary.BigEndian.Uint16(p[1:]) & 0x7fff)
			want := int(step)
			if i == 0 {
				want = 1
			}
			if last >= 0 && (got-last)&0x7fff != want {
				t.Fatalf("epoch %d: picture %d after %d", epoch, got, last)
			}
			last = got
			again := []byte{0xa8, 0, 0, 0x02, tl0 + uint8(i), 9}
			binary.BigEndian.PutUint16(again[1:], 0x8000|(pid+i*step)&0x7fff)
			if !m.Rewrite(epoch, again) || string(again) != string(p) {
				t.Fatal("the same packet again is another")
			}
		}
	}
	if m.Rewrite(65530, []byte{0xa8, 0x80, 1, 0, 0, 9}) {
		t.Error("an epoch that is long over was written")
	}
}

func FuzzRewriteVP9(f *testing.F) {
	f.Add(uint16(1), []byte{0xf8, 0x81, 0x23, 0x52, 0x03, 0x04, 9})
	f.Add(uint16(2), []byte{0xa8, 0x01, 0x03, 0x07, 9})
	f.Fuzz(func(t *testing.T, epoch uint16, p []byte) {
		m := NewVP9Map()
		before := Reader{Kind: VP9}
		old, err := before.Read(p, false)
		ok := m.Rewrite(epoch, p)
		if err == nil && len(p) > 0 && !ok {
			t.Fatal("a payload that can be read was refused")
		}
		if err != nil || !ok {
			return
		}
		after := Reader{Kind: VP9}
		now, err := after.Read(p, false)
		old.Picture, now.Picture = 0, 0
		if err != nil || old != now {
			t.Fatalf("%+v became %+v, %v", old, now, err)
		}
	})
}
