package signaling_test

import (
	"context"
	"sync/atomic"
	"testing"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// flaky is a store whose Redis goes away.
type flaky struct {
	signaling.Meetings
	down atomic.Bool
}

func (f *flaky) away() error {
	if f.down.Load() {
		return &meeting.Error{Code: meeting.CodeUnavailable, Op: "test"}
	}
	return nil
}

func (f *flaky) Join(ctx context.Context, r meeting.JoinRequest) (meeting.JoinResult, error) {
	if err := f.away(); err != nil {
		return meeting.JoinResult{}, err
	}
	return f.Meetings.Join(ctx, r)
}

func (f *flaky) Resume(ctx context.Context, r meeting.ResumeRequest) (meeting.ResumeResult, error) {
	if err := f.away(); err != nil {
		return meeting.ResumeResult{}, err
	}
	return f.Meetings.Resume(ctx, r)
}

func (f *flaky) Leave(ctx context.Context, room, participant, session, reason string) error {
	if err := f.away(); err != nil {
		return err
	}
	return f.Meetings.Leave(ctx, room, participant, session, reason)
}

func TestWithoutRedisPeopleAreToldToTryAgainAndLeavingHolds(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	var store *flaky
	in := w.instance("sig-1", func(o *signaling.Options) {
		store = &flaky{Meetings: o.Meetings}
		o.Meetings = store
	})
	room := w.room(session.Facts{})
	host, ada, bob := w.person("u:host"), w.person("u:ada"), w.person("u:bob")
	host.join(in, room, token.RoleHost)
	ada.join(in, room, token.RoleParticipant)
	bob.join(in, room, token.RoleParticipant)
	bob.drop()
	host.event("bob's absence", func(e *wire.Event) bool { return e.GetParticipantChanged().GetId() == bob.me })

	store.down.Store(true)
	late := w.person("u:late")
	m := late.tryJoin(in, room, token.RoleParticipant)
	late.refused(m, wire.CodeStateUnavailable)
	if m.GetError().RetryAfterMs == 0 {
		t.Error("no retry is named")
	}
	bob.refused(bob.tryResume(in, ""), wire.CodeStateUnavailable)
	ada.ok(ada.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Leave{Leave: &wire.Leave{}}}))
	eventually(t, "her packets stop", func() bool { return node.of(ada.me, 1).closed == "left" })

	store.down.Store(false)
	host.event("ada's leaving", func(e *wire.Event) bool { return e.GetParticipantLeft().GetParticipant() == ada.me })
	bob.resume(in, "") // the ticket is as good as before
}
