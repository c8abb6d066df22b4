package meeting_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"incamera/auth/token"
	"incamera/cluster/live/livetest"
	"incamera/cluster/meeting"
)

// quick makes time pass in a test.
func quick(o *meeting.Options) {
	o.AwayKeep, o.EmptyGrace, o.SweepEvery = 500*time.Millisecond, 1500*time.Millisecond, 100*time.Millisecond
	o.EndedTTL, o.PollEvery = 2*time.Second, 100*time.Millisecond
}

func (h *house) sweeper(isAlive func(context.Context, string) (bool, error)) {
	h.Helper()
	s, err := meeting.StartSweeper(meeting.SweeperOptions{
		Store: h.Store, Alive: isAlive, Log: livetest.Log(), Every: 20 * time.Millisecond, DeadAfter: 100 * time.Millisecond,
	})
	h.ok(err)
	h.Cleanup(s.Close)
}

func everybodyLives(context.Context, string) (bool, error) { return true, nil }

func TestAnAwaySeatExpiresAndTheEmptyMeetingEnds(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := open(t, rdb, quick)
		h.sweeper(everybodyLives)
		h.sweeper(everybodyLives) // two instances share the work
		host, ann := h.join("host", token.RoleHost), h.join("ann", token.RoleParticipant)
		h.ok(h.Away(h.ctx, room, "p_ann", ann.Actor.Session, 0))
		start := time.Now()
		h.eventually("ann's seat expires", func() bool { return len(h.snapshot().Participants) == 1 })
		if d := time.Since(start); d < 100*time.Millisecond {
			t.Fatalf("expired after %v", d)
		}
		_, err := h.Resume(h.ctx, meeting.ResumeRequest{
			Room: room, Participant: "p_ann", Session: ann.Actor.Session, SessionVersion: 1, Instance: "sig-1",
		})
		h.want(err, meeting.CodeNotFound)

		// a reload within the grace keeps the meeting
		h.ok(h.Leave(h.ctx, room, "p_host", host.Actor.Session, "left"))
		h.candidate = "node-2"
		if back := h.join("host", token.RoleHost); back.Meeting != "m-1" || back.Started || back.Placement.Node != "node-2" {
			t.Fatalf("%+v", back.JoinResult)
		} else {
			h.ok(h.Leave(h.ctx, room, "p_host", back.Actor.Session, "left"))
		}
		at, err := h.Snapshot(h.ctx, room)
		h.ok(err)
		h.eventually("the meeting ends", func() bool {
			_, err := h.Snapshot(h.ctx, room)
			return meeting.CodeOf(err) == meeting.CodeEnded
		})
		events, err := h.EventsSince(h.ctx, room, at.Version)
		h.ok(err)
		if last := events[len(events)-1]; last.Kind != meeting.Ended || last.Reason != "empty" {
			t.Fatalf("%+v", last)
		}
		h.eventually("the document is forgotten", func() bool {
			n, err := rdb.Exists(h.ctx, "ic:{"+room+"}:doc", "ic:{"+room+"}:events", "ic:{"+room+"}:gen").Result()
			return err == nil && n == 0
		})
	})
}

func TestPeopleOfADeadInstanceAreAwayAndItsWaitersGone(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := open(t, rdb, quick)
		var unknown, dead atomic.Bool
		unknown.Store(true)
		h.sweeper(func(_ context.Context, instance string) (bool, error) {
			if unknown.Load() {
				return false, errors.New("the registry cannot be read")
			}
			return instance == "sig-1" || !dead.Load(), nil
		})
		h.join("host", token.RoleHost)
		r := h.request("ann", token.RoleParticipant)
		r.Instance = "sig-2"
		_, err := h.Join(h.ctx, r)
		h.ok(err)
		w := waiter("w1")
		w.Instance = "sig-2"
		_, err = h.EnterLobby(h.ctx, room, w)
		h.ok(err)
		time.Sleep(300 * time.Millisecond)
		if !h.person("p_ann").Present {
			t.Fatal("declared dead by an unreadable registry")
		}
		unknown.Store(false)
		dead.Store(true)
		h.eventually("ann is away", func() bool {
			for _, p := range h.snapshot().Participants {
				if p.ID == "p_ann" {
					return !p.Present
				}
			}
			return true
		})
		h.eventually("the waiter and then the seat are gone", func() bool {
			s := h.snapshot()
			return len(s.Waiting) == 0 && len(s.Participants) == 1 && s.Participants[0].Present
		})
	})
}

func TestAWatcherIsWokenByOthersChangesAndEndsWithItsContext(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := open(t, rdb, func(o *meeting.Options) { o.PollEvery = time.Minute })
		other := open(t, rdb)
		host := h.join("host", token.RoleHost)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		wake, err := h.Watch(ctx, room)
		h.ok(err)
		same, err := h.Watch(t.Context(), room)
		h.ok(err)
		at := h.snapshot().Version
		for i := range 20 {
			start := time.Now()
			h.ok(other.SetLocked(h.ctx, room, host.Actor, i%2 == 0))
			for {
				events, err := h.EventsSince(h.ctx, room, at)
				h.ok(err)
				if len(events) > 0 {
					at = events[len(events)-1].Version
					break
				}
				<-wake
			}
			if d := time.Since(start); d > 20*time.Second { // PollEvery is a minute: pub/sub must have done it
				t.Fatalf("woken after %v", d)
			}
		}
		<-same
		cancel()
		for range wake { // drained until it is closed
		}
		h.Close()
		for range same {
		}
		_, err = h.Watch(t.Context(), room)
		h.want(err, meeting.CodeUnavailable)
	})
}
