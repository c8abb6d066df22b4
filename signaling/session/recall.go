package session

import (
	"context"
	"sync"
	"time"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/recall"
	"incamera/signaling/wire"
)

const (
	recalledKept  = 1024 // subjects that wait to be looked after; beyond it everybody is
	recallsAtOnce = 8    // questions to the database
	absentKept    = 20_000
)

// recalls are the people to look after now. Its zero value is usable but for kick.
type recalls struct {
	kick chan struct{} // capacity 1

	mu       sync.Mutex
	heard    uint64 // calls so far
	subjects map[string]bool
	all      bool
	absent   map[*seat]time.Time // seats kept for people whose socket dropped, until when
}

func newRecalls() *recalls {
	return &recalls{kick: make(chan struct{}, 1), subjects: map[string]bool{}, absent: map[*seat]time.Time{}}
}

// Recall has everybody looked after at once whom the subject is, or for whom it answers, and the policy asked anew: what
// an account is may have changed with it. It does not block.
func (s *Server) Recall(subject string) {
	defer s.LookAgain()
	r := s.recalls
	r.mu.Lock()
	r.heard++
	r.mu.Unlock()
	s.seek(subject)
}

func (s *Server) seek(subject string) {
	r := s.recalls
	r.mu.Lock()
	if subject == recall.Everybody || len(r.subjects) >= recalledKept {
		r.all = true
	} else {
		r.subjects[subject] = true
	}
	r.mu.Unlock()
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// count tells whether calls were heard since another count.
func (r *recalls) count() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard
}

// take gives what is to be looked after, and forgets it.
func (r *recalls) take() (concerns func(token.Person) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	subjects, all := r.subjects, r.all
	r.subjects, r.all = map[string]bool{}, false
	return func(p token.Person) bool { return all || subjects[p.Subject] || subjects[p.Sponsor] }
}

// recheck looks after somebody who sat down while a call came that they were not yet here to be found by.
func (s *Server) recheck(st *seat, heard uint64) {
	if s.recalls.count() != heard {
		s.seek(st.Person.Subject)
	}
}

// recallLoop looks after people when called.
func (s *Server) recallLoop() {
	for {
		select {
		case <-s.base.Done():
			return
		case <-s.recalls.kick:
			s.lookAfter(s.recalls.take())
		}
	}
}

func (s *Server) lookAfter(concerns func(token.Person) bool) {
	var wg sync.WaitGroup
	places := make(chan struct{}, recallsAtOnce)
	look := func(check func()) {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			check()
		})
	}
	for _, ses := range s.all() {
		if p, there := ses.person(); there && concerns(p) {
			look(ses.checkPresence)
		}
	}
	for _, st := range s.recalls.away(s.o.Now()) {
		if concerns(st.Person) {
			look(func() { s.checkAbsent(st) })
		}
	}
	wg.Wait()
}

// person is who sits or waits on the socket.
func (s *Session) person() (token.Person, bool) {
	if st := s.seat.Load(); st != nil {
		return st.Person, true
	}
	if lt := s.pass.Load(); lt != nil {
		return lt.person(), true
	}
	return token.Person{}, false
}

func (lt *lobbyTicket) person() token.Person {
	p := lt.pass
	return token.Person{Subject: p.Subject, Name: p.Name, Assurance: p.Assurance, Login: p.Login, Client: p.Client}
}

// checkWaiting sends somebody away from the door whose sign-in is gone.
func (s *Session) checkWaiting(ctx context.Context) {
	lt := s.pass.Load()
	if lt != nil && s.srv.gone(ctx, lt.person()) {
		s.log.Info("revoked at the door", "room", lt.pass.Room, "waiter", lt.pass.Waiter)
		s.Bye(wire.ReasonRevoked, "")
	}
}

// keepAbsent remembers a seat whose socket dropped: its transport goes on for as long as the seat is kept.
func (r *recalls) keepAbsent(st *seat, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.absent) < absentKept { // beyond it the seat's own time ends it
		r.absent[st] = until
	}
}

// away lists the seats that are kept, and forgets those that are not any more.
func (r *recalls) away(now time.Time) []*seat {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*seat, 0, len(r.absent))
	for st, until := range r.absent {
		if now.After(until) {
			delete(r.absent, st)
			continue
		}
		list = append(list, st)
	}
	return list
}

// checkAbsent gives up the kept seat of somebody whose sign-in is gone, and ends its transport.
func (s *Server) checkAbsent(st *seat) {
	ctx, cancel := context.WithTimeout(s.base, presenceTime)
	defer cancel()
	if !s.gone(ctx, st.Person) {
		return
	}
	s.recalls.mu.Lock()
	delete(s.recalls.absent, st)
	s.recalls.mu.Unlock()
	st.member.Leave(string(wire.ReasonRevoked))
	err := s.o.Seats.Leave(ctx, st.Room, st.Participant, st.Session, string(wire.ReasonRevoked))
	if meeting.CodeOf(err) == meeting.CodeUnavailable {
		s.o.Hub.Insist(func(ctx context.Context) error {
			return s.o.Seats.Leave(ctx, st.Room, st.Participant, st.Session, string(wire.ReasonRevoked))
		})
	}
}
