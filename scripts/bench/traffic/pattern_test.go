package traffic

import (
	"testing"
	"time"
)

func TestAPatternKeepsItsRateAndItsOrder(t *testing.T) {
	for _, p := range []Pattern{Tens, Pairs, Meeting, Stream, Small, Flood} {
		player := NewPlayer(p, time.Second)
		packets, last := 0, time.Duration(0)
		for {
			e := player.Next()
			if e.At < last {
				t.Fatalf("%s: %v after %v", p.Name, e.At, last)
			}
			if last = e.At; last >= 11*time.Second {
				break
			}
			if e.Audio {
				packets++
			} else {
				packets += e.To - e.From
			}
			player.Take(e)
		}
		if want := 10 * p.Rate(); float64(packets) < want*.98 || float64(packets) > want*1.02 {
			t.Errorf("%s: %d packets in 10 s instead of %.0f", p.Name, packets, want)
		}
	}
}
