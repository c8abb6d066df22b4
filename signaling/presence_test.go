package signaling_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"incamera/auth/token"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// signIns is who may still be here.
type signIns struct {
	mu    sync.Mutex
	gone  map[string]error
	asked map[string]int
}

func (s *signIns) Keep(_ context.Context, p token.Person) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[p.Subject]++
	return s.gone[p.Subject]
}

func (s *signIns) set(subject string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone[subject] = err
}

func TestASeatEndsWithTheSignInItCameFrom(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	here := &signIns{gone: map[string]error{}, asked: map[string]int{}}
	in := w.instance("sig-1", func(o *signaling.Options) {
		o.Presence, o.Limits.PresenceEvery = here, 20*time.Millisecond
	})
	room := w.room(session.Facts{})
	host, ada, bea := w.person("u:host"), w.person("u:ada"), w.person("u:bea")
	host.join(in, room, token.RoleHost)
	ada.join(in, room, token.RoleParticipant)
	bea.join(in, room, token.RoleParticipant)

	// A database that is away ends nobody's meeting.
	here.set("u:bea", errors.New("database away"))
	here.set("u:ada", session.ErrRevoked)
	if bye := ada.bye(); bye.Reason != "revoked" {
		t.Errorf("bye: %v", bye)
	}
	host.event("ada's going", func(e *wire.Event) bool {
		return e.GetParticipantLeft().GetParticipant() == ada.me && e.GetParticipantLeft().Reason == "revoked"
	})
	eventually(t, "her transport ends", func() bool { return node.of(ada.me, ada.placement).closed != "" })
	ada.refused(ada.tryResume(in, ""), wire.CodeTicketInvalid)
	bea.ok(bea.ask(chat("1", "still here")))

	// Her ticket is no way back either while the seat is only away.
	bea.drop()
	host.event("bea's absence", func(e *wire.Event) bool {
		return e.GetParticipantChanged().GetId() == bea.me && !e.GetParticipantChanged().Present
	})
	here.set("u:bea", session.ErrRevoked)
	bea.refused(bea.tryResume(in, ""), wire.CodeTicketInvalid)
}
