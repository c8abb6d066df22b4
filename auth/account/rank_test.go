//go:build drills

package account

import (
	"context"
	"testing"
	"time"

	"incamera/auth/internal/ranktest"
)

// TestTimingOfRefusedPasswords is TestUnknownAccountsCostTheSame by rank, at the cost that production has. The control is
// a password that is refused for its spelling, before any work.
func TestTimingOfRefusedPasswords(t *testing.T) {
	w, ctx := newWorld(t, func(o *Options) { o.Cost = Cost{MemoryKiB: 19 << 10, Time: 2, Threads: 1} }), context.Background()
	for _, login := range []string{"ada", "eve"} {
		u, err := w.Create(ctx, login, "Name", "user", good)
		if err == nil && login == "eve" {
			err = w.SetDisabled(ctx, u.ID, true)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.Invite(ctx, "ivo", "Ivo", "user"); err != nil {
		t.Fatal(err)
	}
	refused := func(name, login, password string) ranktest.Kind {
		return ranktest.Kind{Name: name, Do: func(int) {
			w.now = w.now.Add(time.Hour) // no waits: they are not what is measured
			if _, err := w.Verify(ctx, login, password, home); err != ErrCredentials {
				t.Fatal(name, err)
			}
		}}
	}
	kinds := []ranktest.Kind{
		refused("unknown", "nobody", "wrong password 1"), refused("wrong", "ada", "wrong password 1"), refused("disabled, right", "eve", good),
		refused("invited", "ivo", "wrong password 1"),
	}
	ranktest.Sample(10, kinds...)
	ranktest.Alike(t, ranktest.Sample(150, kinds...))
	times := ranktest.Sample(50, kinds[0], refused("no password at all", "ada", ""))
	if p := ranktest.Faster(times["no password at all"], times["unknown"]); p < 0.95 {
		t.Errorf("the control: a refusal without work is not seen (%.3f)", p)
	}
}
