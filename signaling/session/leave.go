package session

import (
	"context"
	"time"

	"incamera/cluster/meeting"
	"incamera/signaling/wire"
)

// leave gives the seat, or the place at the door, up and ends the socket.
func leave(ctx context.Context, s *Session, req *request) error {
	defer s.Bye(wire.ReasonLeft, "")
	s.reply(req, &wire.ServerMessage{Body: &wire.ServerMessage_Ok{Ok: &wire.Ok{}}})
	switch s.state {
	case StateWaiting:
		return s.leaveLobby(ctx)
	case StateJoined:
		st := s.seat.Load()
		st.member.Leave(string(wire.ReasonLeft)) // the packets stop now, whatever Redis says
		s.insist(ctx, st, "seat could not be given up", func(ctx context.Context) error {
			return s.srv.o.Seats.Leave(ctx, st.Room, st.Participant, st.Session, string(wire.ReasonLeft))
		})
		s.srv.m.joined.Dec()
	}
	s.state = StateClosed
	return nil
}

// finish leaves things in good order when the socket is gone: the seat is kept for a while, the place at the door is
// not.
func (s *Session) finish() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.srv.base), s.srv.o.HandlerTimeout)
	defer cancel()
	switch s.state {
	case StateWaiting:
		_ = s.leaveLobby(ctx) // the entry at the door ends with its pass
	case StateJoined:
		s.srv.m.joined.Dec()
		st := s.seat.Load()
		if st.member.Detach(s) { // else removed, replaced, resumed elsewhere or over
			s.away(ctx, st)
		}
	}
}

// sweepSlack is how much longer than promised a seat may be kept, until the sweep comes by.
const sweepSlack = 30 * time.Second

// away keeps the seat for a while for somebody whose socket is gone.
func (s *Session) away(ctx context.Context, st *seat) {
	o := &s.srv.o
	s.srv.recalls.keepAbsent(st, o.Now().Add(o.AwayKeep+sweepSlack))
	s.insist(ctx, st, "seat could not be marked away", func(ctx context.Context) error {
		if st.member.Here() {
			return nil // back meanwhile
		}
		return o.Seats.Away(ctx, st.Room, st.Participant, st.Session, o.AwayKeep)
	})
}

// insist makes a change now, or as soon as Redis is back.
func (s *Session) insist(ctx context.Context, st *seat, failed string, do func(context.Context) error) {
	err := do(ctx)
	switch code := meeting.CodeOf(err); {
	case err == nil || code == meeting.CodeStale || code == meeting.CodeNotFound || code == meeting.CodeEnded:
		return // it is so already
	case code == meeting.CodeUnavailable:
		s.srv.o.Hub.Insist(do)
	}
	s.log.Warn(failed, "room", st.Room, "participant", st.Participant, "error", err)
}
