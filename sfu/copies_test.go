package sfu

import (
	"bytes"
	"testing"
)

func TestAPathThatHardlyCarriesSoundCarriesNoCopiesOfIt(t *testing.T) {
	d, alice, bob, _ := conversation(t)
	for n := range 20 {
		switch n {
		case 5:
			bob.flow.Estimator().REMB(100_000, d.s.now)
		case 15:
			bob.flow.Estimator().REMB(2_000_000, d.s.now)
		}
		d.bring(alice, alice.sound(t, n, redPT, 30, doubled(t, n)))
	}
	got, _ := bob.take(t)
	if len(got) != 20 {
		t.Fatalf("%d packets of 20", len(got))
	}
	for n, c := range got {
		payload := doubled(t, n)
		if n >= 5 && n < 15 {
			payload = spoken(n)
		}
		if c.seq != got[0].seq+uint16(n) || !bytes.Equal(c.payload, payload) {
			t.Errorf("packet %d is number %d with %q", n, c.seq-got[0].seq, c.payload)
		}
	}
}
