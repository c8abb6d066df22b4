package account

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestUnknownAccountsCostTheSame compares interleaved samples of a known and an unknown login. A lookup that skipped
// the hash would be a hundred times faster; the bound is wide, so that a busy machine does not fail it.
func TestUnknownAccountsCostTheSame(t *testing.T) {
	w, ctx := newWorld(t, func(o *Options) { o.Cost = Cost{MemoryKiB: 2 << 10, Time: 1, Threads: 1} }), context.Background()
	const n = 60
	var known, unknown []time.Duration
	for i := range n {
		login := fmt.Sprint("user", i)
		if i%10 == 0 {
			w.now = w.now.Add(time.Hour) // no waits: they are not what is measured
		}
		if _, err := w.Create(ctx, login, "Name", "user", good); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			login string
			to    *[]time.Duration
		}{{login, &known}, {fmt.Sprint("nobody", i), &unknown}} {
			began := time.Now()
			if _, err := w.Verify(ctx, c.login, "wrong password 1", home); err != ErrCredentials {
				t.Fatal(err)
			}
			*c.to = append(*c.to, time.Since(began))
		}
	}
	slices.Sort(known)
	slices.Sort(unknown)
	k, u := known[n/2], unknown[n/2]
	t.Logf("median of %d: known %v, unknown %v (%.1f %%)", n, k, u, 100*float64(u-k)/float64(k))
	if ratio := float64(u) / float64(k); ratio < 0.5 || ratio > 2 {
		t.Errorf("an oracle: known %v, unknown %v", k, u)
	}
}
