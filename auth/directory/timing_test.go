//go:build drills

package directory

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"incamera/auth/account"
	"incamera/auth/internal/ranktest"
	"incamera/auth/internal/storetest"
)

// shortcut is a directory that is asked nothing for people it need not know: what the drill has to notice.
type shortcut struct{ account.Directory }

func (shortcut) Pretend(context.Context, string) error { return account.ErrCredentials }

// TestTimingOfRefusalsWithADirectory asks whether a refused sign-in tells where an account lives, or whether there is one:
// in a real directory, here, disabled, or nowhere. The control leaves out what makes them alike.
func TestTimingOfRefusalsWithADirectory(t *testing.T) {
	ctx, d, home := context.Background(), courtOf(t), netip.MustParseAddr("192.0.2.1")
	world := func(of account.Directory, step time.Duration) []ranktest.Kind {
		s, now := storetest.SQLite(t), time.Now()
		a, err := account.New(account.Options{
			Store: s, Cost: account.Cost{MemoryKiB: 1 << 10, Time: 1, Threads: 1}, Directory: of, RefusalStep: step, Now: func() time.Time { return now },
		})
		if err != nil {
			t.Fatal(err)
		}
		const right = "a garden of forking paths"
		if _, err := a.Create(ctx, "lin", "Lin", "user", right); err != nil {
			t.Fatal(err)
		}
		gone, err := a.Create(ctx, "eve", "Eve", "user", right)
		if err == nil {
			err = a.SetDisabled(ctx, gone.ID, true)
		}
		if err != nil {
			t.Fatal(err)
		}
		bob, err := a.Verify(ctx, "bob", "another one", home) // of the directory, and shut here
		if err == nil {
			err = a.SetDisabled(ctx, bob.ID, true)
		}
		if err != nil {
			t.Fatal(err)
		}
		refused := func(name, login, password string) ranktest.Kind {
			return ranktest.Kind{Name: name, Do: func(int) {
				now = now.Add(time.Hour) // no waits: they are not what is measured
				if _, err := a.Verify(ctx, login, password, home); !errors.Is(err, account.ErrCredentials) {
					t.Fatal(name, err)
				}
			}}
		}
		return []ranktest.Kind{
			refused("nowhere", "nobody", "wrong password 1"), refused("here, wrong", "lin", "wrong password 1"), refused("here, disabled, right", "eve", right),
			refused("there, wrong", "ada", "wrong password 1"), refused("there, disabled here, right", "bob", "another one"),
			refused("there, disabled here, wrong", "bob", "wrong password 1"),
		}
	}
	same := world(d, 50*time.Millisecond)
	ranktest.Sample(5, same...)
	ranktest.Alike(t, ranktest.Sample(120, same...))

	told := world(shortcut{d}, time.Nanosecond)
	ranktest.Sample(5, told...)
	times := ranktest.Sample(60, told[1], told[3])
	if p := ranktest.Faster(times["here, wrong"], times["there, wrong"]); p < 0.5+ranktest.Bound(60) {
		t.Errorf("the control: without whole steps and the question to the directory nothing is seen (%.3f), so this drill would see nothing", p)
	}
}
