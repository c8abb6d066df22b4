package session

import (
	"context"
	"net/netip"
	"time"

	"incamera/auth/policy"
	"incamera/auth/token"
	"incamera/cluster/meeting"
)

// Sitting is somebody who sits in a meeting, with what changes while they do.
type Sitting struct {
	Room           string
	Person         token.Person
	Key            string // thumbprint, proven
	Certified      bool   // by a client certificate
	Address, Media netip.Addr
	Own            bool // on a page of this deployment
	EnteredAt      time.Time
}

// Reviewed is what the policy says of one of them, and by which facts. A decision without an outcome changes nothing:
// it cannot be told, or another part of the server is about to end the seat.
type Reviewed struct {
	Decision policy.Decision
	Facts    policy.Request
	// What the room says now: pictures carry a watermark, the meeting may be recorded.
	Watermark, Recording bool
}

// Review asks the policy again about people who sit, many at once. An error means that it cannot be told, and changes
// nothing: people in a meeting do not lose it because a database is away.
type Review interface {
	Review(ctx context.Context, list []Sitting) ([]Reviewed, error)
	// Note keeps a decision that changed something.
	Note(ctx context.Context, r Reviewed) error
}

const (
	reviewBatch = 100
	reviewTime  = 2 * time.Second // for one batch
)

// LookAgain asks the policy anew about everybody, now.
func (s *Server) LookAgain() {
	select {
	case s.look <- struct{}{}:
	default:
	}
}

// reviewLoop asks the policy about everybody who is seated, every ReviewEvery and when somebody's facts change.
func (s *Server) reviewLoop() {
	t := time.NewTicker(s.o.ReviewEvery)
	defer t.Stop()
	for {
		select {
		case <-s.base.Done():
			return
		case <-t.C:
		case <-s.look:
		}
		s.review()
	}
}

func (s *Server) review() {
	var list []*Session
	for _, ses := range s.all() {
		if st := ses.seat.Load(); st != nil && st.member.Here() {
			list = append(list, ses)
		}
	}
	for len(list) > 0 {
		n := min(len(list), reviewBatch)
		s.reviewBatch(list[:n])
		list = list[n:]
	}
	for key, a := range s.asked {
		if s.o.Now().Sub(a.seen) > askedKept {
			delete(s.asked, key)
		}
	}
}

func (s *Server) reviewBatch(list []*Session) {
	ctx, cancel := context.WithTimeout(s.base, reviewTime)
	defer cancel()
	people := make([]Sitting, len(list))
	for i, ses := range list {
		st := ses.seat.Load()
		people[i] = Sitting{
			Room: st.Room, Person: st.Person, Key: st.Key, Certified: ses.managed, Own: s.o.Origins.Own(ses.origin), Address: ses.addr,
			Media: st.member.MediaAddr(), EnteredAt: st.EnteredAt,
		}
	}
	found, err := s.o.Review.Review(ctx, people)
	if err != nil || len(found) != len(list) {
		if s.base.Err() == nil {
			s.o.Log.Error("the policy could not be asked about those who sit", "error", err)
		}
		return
	}
	for i, ses := range list {
		if found[i].Decision.Outcome != "" {
			ses.stand(ses.seat.Load(), found[i])
		}
	}
}

// note keeps a decision that changed something, in the audit log with its facts.
func (s *Session) note(ctx context.Context, st *seat, r Reviewed) error {
	detail := r.Facts.Meta()
	detail["outcome"], detail["rule"] = string(r.Decision.Outcome), r.Decision.Rule
	if err := s.srv.o.Review.Note(ctx, r); err != nil {
		return err
	}
	return s.srv.o.Audit.Write(ctx, Act{
		Action: "policy.decide", Room: st.Room, Meeting: st.Meeting, Target: st.Participant, Subject: st.Person.Subject, Addr: s.addr, Detail: detail,
	})
}

// withhold takes kinds of sources from the person or gives them back, in the meeting and at the node.
func (s *Session) withhold(ctx context.Context, st *seat, kinds []token.Kind) error {
	at := st.member.Seat()
	for _, k := range kinds { // the packets stop now, whatever Redis says
		s.sourceOff(ctx, st.Room, meeting.Seat{Participant: st.Participant, Node: at.Node, Epoch: at.Epoch}, k)
	}
	_, err := s.srv.o.Moderation.Limit(ctx, st.Room, st.Participant, kinds)
	if c := meeting.CodeOf(err); c == meeting.CodeNotFound || c == meeting.CodeEnded {
		return nil // the seat is gone
	}
	return err
}
