package meeting_test

import (
	"testing"

	"incamera/auth/token"
	"incamera/cluster/live/livetest"
	"incamera/cluster/meeting"
)

// Rooms fall into all slots of a Redis Cluster: no script may touch keys of two slots, and wake-ups and sweeping
// must work wherever the room lies.
func TestMeetingsWorkOnARedisCluster(t *testing.T) {
	rdb := livetest.Cluster(t)
	h := open(t, rdb, quick)
	h.sweeper(everybodyLives)
	for range 12 {
		h.room = token.NewRoomID()
		wake, err := h.Watch(t.Context(), h.room)
		h.ok(err)
		host, ann := h.join("host", token.RoleHost), h.join("ann", token.RoleParticipant)
		h.ok(h.Chat(h.ctx, h.room, ann.Actor, "1", "hello"))
		_, err = h.EnterLobby(h.ctx, h.room, waiter("w"))
		h.ok(err)
		_, err = h.Decline(h.ctx, h.room, host.Actor, "w", true)
		h.ok(err)
		_, err = h.Move(h.ctx, h.room, "p_ann", 1, "node-2")
		h.ok(err)
		<-wake
		events, err := h.EventsSince(h.ctx, h.room, 0)
		h.ok(err)
		if len(events) != 7 {
			t.Fatalf("%d events", len(events))
		}
		h.ok(h.Leave(h.ctx, h.room, "p_ann", ann.Actor.Session, "left"))
		h.ok(h.Away(h.ctx, h.room, "p_host", host.Actor.Session, 0))
	}
	h.eventually("the last meeting ends by sweeping", func() bool {
		_, err := h.Snapshot(h.ctx, h.room)
		return meeting.CodeOf(err) == meeting.CodeEnded || meeting.CodeOf(err) == meeting.CodeNotFound
	})
}
