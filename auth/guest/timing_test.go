//go:build drills

package guest_test

import (
	"context"
	"testing"

	"incamera/auth/guest"
	"incamera/auth/internal/ranktest"
	"incamera/auth/internal/storetest"
	"incamera/auth/store"
	"incamera/auth/token"
)

// TestTimingOfDeadLinks asks whether links that open nothing can be told apart by how long the answer takes. The control
// is a link that is found: that one is seen.
func TestTimingOfDeadLinks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, c := context.Background(), open(t, s)
		over, overSecret := c.issue(t, func(r *guest.Request) { r.Life = guest.MinLife })
		c.now = over.Expires
		revoked, revokedSecret := c.issue(t, nil)
		if _, err := c.Revoke(ctx, room, revoked.ID); err != nil {
			t.Fatal(err)
		}
		full, fullSecret := c.issue(t, func(r *guest.Request) { r.MaxUses = 1 })
		c.enter(t, full)
		closed, closedSecret := c.issue(t, nil)
		if err := c.Removed(ctx, room, token.ParticipantID(room, guest.Subject(c.enter(t, closed).ID))); err != nil {
			t.Fatal(err)
		}
		_, living := c.issue(t, nil)
		never := living[:len(living)-20] + "AAAAAAAAAAAAAAAAAAAA"
		find := func(name, secret string, opens bool) ranktest.Kind {
			return ranktest.Kind{Name: name, Do: func(int) {
				if _, _, err := c.Find(ctx, secret, ""); (err == nil) != opens {
					t.Fatal(name, err)
				}
			}}
		}
		dead := []ranktest.Kind{
			find("never was", never, false), find("over", overSecret, false), find("revoked", revokedSecret, false), find("used up", fullSecret, false),
			find("closed", closedSecret, false),
		}
		shut, shutSecret := c.issue(t, func(r *guest.Request) { r.Room = other })
		if err := s.Rooms.Delete(ctx, shut.Room, c.now); err != nil {
			t.Fatal(err)
		}
		dead = append(dead, find("of a room that is gone", shutSecret, false))
		ranktest.Sample(10, dead...) // warm
		ranktest.Alike(t, ranktest.Sample(150, dead...))
		times := ranktest.Sample(100, dead[0], find("living", living, true))
		if p := ranktest.Faster(times["living"], times["never was"]); p < 0.9 {
			t.Errorf("the control: a living link is not told from none (%.3f), so this drill would see nothing", p)
		}
	})
}
