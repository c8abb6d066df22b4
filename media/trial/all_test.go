package trial

import (
	"os"
	"sort"
	"testing"
	"time"
)

// TestTable prints how every scenario goes over ten seeds.
func TestTable(t *testing.T) {
	if os.Getenv("TABLE") == "" {
		t.Skip()
	}
	var names []string
	for n := range scenarios {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, name := range names {
		for seed := range uint64(10) {
			sc := scenarios[name]
			sc.Seed = seed + 1
			r := Run(sc)
			frozen, freezes, longest, switches := time.Duration(0), 0, time.Duration(0), 0
			for _, s := range r.Screens {
				frozen += s.Frozen
				freezes += s.Freezes
				longest = max(longest, s.Longest)
				switches += len(s.Shown)
			}
			var sent, n int64
			est := []int64{}
			var q time.Duration
			for _, s := range r.Samples {
				if s.At > 10*time.Second {
					sent += int64(s.Delivered)
					n++
					est = append(est, int64(s.Estimate)/1000)
					q = max(q, s.Queue)
				}
			}
			sort.Slice(est, func(i, j int) bool { return est[i] < est[j] })
			last := r.Samples[len(r.Samples)-1]
			t.Logf("%-9s freezes %3d %5dms longest %4dms switches %3d est %d..%d..%d passed %5d queue %3dms audio %.3f own %.2f over %d probes %v ovf %d ref %d %v",
				name, freezes, frozen/ms, longest/ms, switches, est[0], est[len(est)/2], est[len(est)-1], sent/n/1000, q/ms, r.AudioLost, r.Loss, r.Overuses, r.Probes, r.Overflows, r.Refused, last.Levels)
		}
	}
}
