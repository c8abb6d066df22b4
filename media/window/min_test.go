package window

import (
	"math/rand"
	"testing"
	"time"
)

func TestAMinimumLeavesAfterOneToTwoHalves(t *testing.T) {
	const half = 100
	for seed := range int64(50) {
		chance := rand.New(rand.NewSource(seed))
		type seen struct{ v, at time.Duration }
		var all []seen
		m := Min{Half: half}
		for at := time.Duration(0); at < 2000; at += time.Duration(chance.Intn(20)) {
			v := time.Duration(chance.Intn(1000) - 500)
			all = append(all, seen{v, at})
			m.Add(v, at)
			least := func(since time.Duration) time.Duration {
				l := v
				for _, s := range all {
					if s.at > since {
						l = min(l, s.v)
					}
				}
				return l
			}
			if got := m.Value(); got > least(at-half) || got < least(at-2*half) {
				t.Fatalf("seed %d at %d: %d, the least of the last half is %d, of the last two %d", seed, at, got, least(at-half), least(at-2*half))
			}
		}
	}
}

func TestAfterALongSilenceOnlyTheNewCounts(t *testing.T) {
	m := Min{Half: time.Second}
	if m.Value() != 0 {
		t.Fatal("nothing was added")
	}
	m.Add(-5, 0)
	m.Add(7, 3*time.Second)
	if m.Value() != 7 {
		t.Fatalf("%d", m.Value())
	}
}
