package session

import (
	"context"

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
		if err := s.srv.o.Seats.Leave(ctx, st.Room, st.Participant, st.Session, string(wire.ReasonLeft)); err != nil {
			s.log.Warn("seat could not be given up", "room", st.Room, "participant", st.Participant, "error", err)
		}
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
	o := &s.srv.o
	switch s.state {
	case StateWaiting:
		_ = s.leaveLobby(ctx) // the entry at the door ends with its pass
	case StateJoined:
		s.srv.m.joined.Dec()
		st := s.seat.Load()
		if !st.member.Detach(s) {
			return // removed, replaced, resumed elsewhere or over
		}
		err := o.Seats.Away(ctx, st.Room, st.Participant, st.Session, o.AwayKeep)
		if code := meeting.CodeOf(err); err != nil && code != meeting.CodeStale && code != meeting.CodeNotFound {
			s.log.Warn("seat could not be marked away", "room", st.Room, "participant", st.Participant, "error", err)
		}
	}
}
