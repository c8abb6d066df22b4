package session

import (
	"context"
	"errors"
	"time"

	"incamera/auth/token"
	"incamera/signaling/wire"
)

// ErrRevoked is Presence's word for a person whose sign-in, account or API client is gone.
var ErrRevoked = errors.New("session: no longer entitled")

// Presence says whether a person who sits in a meeting is still entitled to, and notes that they are there: their
// web page asks nothing over HTTP meanwhile. Any error but ErrRevoked means that it cannot be told, and changes
// nothing: people in a meeting do not lose it because a database is away.
type Presence interface {
	Keep(ctx context.Context, p token.Person) error
}

// entitled refuses a resume of somebody whose sign-in is gone.
func (s *Session) entitled(ctx context.Context, p token.Person) error {
	if s.srv.o.Presence == nil {
		return nil
	}
	if err := s.srv.o.Presence.Keep(ctx, p); errors.Is(err, ErrRevoked) {
		return refuse(wire.CodeTicketInvalid, "the sign-in this seat came from has ended").because(err)
	}
	return nil
}

// signedIn refuses an entry by a token or pass that outlived the sign-in it came from.
func (s *Session) signedIn(ctx context.Context, p token.Person) error {
	if s.srv.gone(ctx, p) {
		return refuse(wire.CodeTokenInvalid, "the sign-in this came from has ended").because(ErrRevoked)
	}
	return nil
}

func (s *Server) gone(ctx context.Context, p token.Person) bool {
	return s.o.Presence != nil && errors.Is(s.o.Presence.Keep(ctx, p), ErrRevoked)
}

// presenceLoop asks after everybody who sits or waits, one after the other, every PresenceEvery: the net under
// recallLoop.
func (s *Server) presenceLoop() {
	t := time.NewTicker(s.o.PresenceEvery)
	defer t.Stop()
	for {
		select {
		case <-s.base.Done():
			return
		case <-t.C:
			for _, ses := range s.all() {
				ses.checkPresence()
			}
			for _, st := range s.recalls.away(s.o.Now()) {
				s.checkAbsent(st)
			}
		}
	}
}

func (s *Server) all() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Session, 0, len(s.sessions))
	for ses := range s.sessions {
		list = append(list, ses)
	}
	return list
}

// presenceTime bounds one question.
const presenceTime = 2 * time.Second

func (s *Session) checkPresence() {
	ctx, cancel := context.WithTimeout(s.srv.base, presenceTime)
	defer cancel()
	st := s.seat.Load()
	if st == nil {
		s.checkWaiting(ctx)
		return
	}
	if !st.member.Here() {
		return
	}
	if err := s.srv.o.Presence.Keep(ctx, st.Person); !errors.Is(err, ErrRevoked) {
		return
	}
	s.expel(ctx, st, wire.ReasonRevoked)
}

// expel takes a person out of the meeting who may not sit there any more.
func (s *Session) expel(ctx context.Context, st *seat, why wire.Reason) {
	s.log.Info("expelled", "reason", why, "room", st.Room, "participant", st.Participant)
	st.member.Leave(string(why)) // the packets stop now, whatever Redis says
	s.insist(ctx, st, "the seat could not be taken", func(ctx context.Context) error {
		return s.srv.o.Seats.Leave(ctx, st.Room, st.Participant, st.Session, string(why))
	})
	s.Bye(why, "")
}
