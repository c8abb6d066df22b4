package meeting_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"incamera/auth/token"
	"incamera/cluster/live/livetest"
	"incamera/cluster/meeting"
)

// crowd does random things to one room, knowing which sessions it holds.
type crowd struct {
	*house
	r    *rand.Rand
	held map[string]member
	tag  string
}

func (c *crowd) any() meeting.Actor {
	for _, m := range c.held { // map order is random enough, and the seed decides the rest
		return m.Actor
	}
	return meeting.Actor{Participant: "p_nobody", Session: "s_none"}
}

func (c *crowd) step() error {
	name := fmt.Sprintf("%s%d", c.tag, c.r.IntN(8))
	a, b := c.any(), c.any()
	kind := token.AllKinds()[c.r.IntN(4)]
	yes := c.r.IntN(2) == 0
	switch c.r.IntN(16) {
	case 0, 1, 2:
		req := c.request(name, roles[c.r.IntN(len(roles))])
		req.JTI += c.tag
		req.Session += c.tag
		req.BypassLock = yes
		res, err := c.Join(c.ctx, req)
		if err == nil {
			c.held[name] = member{Actor: meeting.Actor{Participant: req.Participant, Session: req.Session}, JoinResult: res}
		}
		return err
	case 3:
		return c.Leave(c.ctx, room, a.Participant, a.Session, "left")
	case 4:
		return c.Away(c.ctx, room, a.Participant, a.Session, time.Minute)
	case 5:
		m := c.held[name]
		_, err := c.Resume(c.ctx, meeting.ResumeRequest{
			Room: room, Participant: m.Actor.Participant, Session: m.Actor.Session, SessionVersion: m.SessionVersion,
			Instance: fmt.Sprintf("sig-%d", c.r.IntN(2)),
		})
		return err
	case 6, 7:
		return c.SetMedia(c.ctx, room, a, kind, yes)
	case 8:
		if c.r.IntN(4) == 0 {
			return c.Rename(c.ctx, room, meeting.Facts{Title: fmt.Sprint("Budget ", c.r.IntN(3)), Class: "internal"})
		}
		return c.SetHand(c.ctx, room, a, yes)
	case 9:
		return c.Chat(c.ctx, room, a, fmt.Sprint(c.r.IntN(50)), "text")
	case 10:
		_, err := c.Mute(c.ctx, room, a, meeting.MuteRequest{Target: b.Participant, Kind: kind, Hard: yes, Allow: !yes && c.r.IntN(2) == 0})
		return err
	case 11:
		_, err := c.SetRole(c.ctx, room, a, b.Participant, roles[c.r.IntN(len(roles))])
		return err
	case 12:
		if c.r.IntN(4) > 0 {
			return c.SetLocked(c.ctx, room, a, yes)
		}
		_, err := c.Remove(c.ctx, room, a, b.Participant, false)
		return err
	case 13:
		_, err := c.EnterLobby(c.ctx, room, waiter("w"+name))
		return err
	case 14:
		if yes {
			return c.LeaveLobby(c.ctx, room, "w"+name)
		}
		_, err := c.Admit(c.ctx, room, a, "w"+name, "word")
		return err
	default:
		if c.r.IntN(40) == 0 {
			return c.End(c.ctx, room, a)
		}
		_, err := c.Move(c.ctx, room, a.Participant, uint64(c.r.IntN(6)), fmt.Sprintf("node-%d", c.r.IntN(3)))
		return err
	}
}

// Several processes change one room at random; a copy that follows the events, from the first on, must be the
// snapshot at every moment both are read.
func TestEventsReplayToTheSnapshot(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		keepAll := func(o *meeting.Options) { o.EventsKept, o.ChatKept = 20_000, 30 }
		const crowds, steps = 3, 500
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		var all sync.WaitGroup
		for i := range crowds {
			c := &crowd{
				house: open(t, rdb, keepAll, func(o *meeting.Options) { o.Instance = "" }),
				r:     rand.New(rand.NewPCG(seed, uint64(i))), held: map[string]member{}, tag: string(rune('a' + i)),
			}
			all.Go(func() {
				for range steps {
					if err := c.step(); meeting.CodeOf(err) == meeting.CodeUnavailable {
						t.Error(err)
						return
					}
				}
			})
		}
		h := open(t, rdb, keepAll)
		done := make(chan struct{})
		go func() {
			all.Wait()
			close(done)
		}()
		copied := meeting.Snapshot{Room: room}
		compared := 0
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
			}
			compared += h.follow(&copied)
		}
		if compared == 0 || copied.Version < 100 {
			t.Fatalf("%d comparisons, version %d: the test tested nothing", compared, copied.Version)
		}
		t.Logf("%d comparisons over %d versions", compared, copied.Version)
	})
}

// follow applies what happened since, and compares the copy with a snapshot on the way.
func (h *house) follow(copied *meeting.Snapshot) (compared int) {
	h.Helper()
	snap, err := h.Snapshot(h.ctx, room)
	if c := meeting.CodeOf(err); c == meeting.CodeNotFound || c == meeting.CodeEnded {
		return 0
	}
	h.ok(err)
	events, err := h.EventsSince(h.ctx, room, copied.Version)
	h.ok(err)
	for _, ev := range events {
		if !copied.Apply(ev, 30) {
			h.Fatalf("event %d (%s, generation %d) does not follow %d of %d", ev.Version, ev.Kind, ev.Generation,
				copied.Version, copied.Generation)
		}
		if copied.Version == snap.Version {
			if got, want := normal(*copied), normal(snap); !reflect.DeepEqual(got, want) {
				h.Fatalf("at version %d the copy is\n%+v\nbut the snapshot\n%+v", snap.Version, got, want)
			}
			compared++
		}
	}
	return compared
}

// normal makes empty and nil lists alike.
func normal(s meeting.Snapshot) meeting.Snapshot {
	if len(s.Participants) == 0 {
		s.Participants = nil
	}
	if len(s.Waiting) == 0 {
		s.Waiting = nil
	}
	if len(s.Chat) == 0 {
		s.Chat = nil
	}
	return s
}
