package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/signaling/hub"
	"incamera/signaling/wire"
)

const admitTime = 4 * time.Second

// seat is what a joined socket knows of its place; it does not change while the socket lives.
type seat struct {
	Room, Meeting, Participant, Session string
	Number                              uint32
	SessionVersion                      uint64
	Person                              token.Person
	Key                                 string // thumbprint of the client's key
	EnteredAt                           time.Time
	E2EE                                bool
	addresses                           bool   // sees those of people who wait
	mark                                string // what a watermark says of the person
	marked, records                     bool   // at the entry: there is a watermark; the meeting may be recorded
	resumed                             bool   // an earlier socket's restrictions may still hold
	member                              *hub.Member
}

func (st *seat) actor() meeting.Actor {
	return meeting.Actor{Participant: st.Participant, Session: st.Session}
}

func (st *seat) ref() *noderpc.TransportRef {
	return &noderpc.TransportRef{Room: st.Room, Participant: st.Participant, Placement: st.member.Seat().Epoch}
}

// ticket mints the resume ticket of the place as it is now.
func (s *Session) ticket(st *seat) (string, error) {
	at := st.member.Seat()
	return s.srv.o.Minter.MintTicket(token.Ticket{
		Room: st.Room, Meeting: st.Meeting, Participant: st.Participant, Session: st.Session, Number: st.Number,
		SessionVersion: st.SessionVersion, Person: st.Person, Key: st.Key, Node: at.Node, Placement: at.Epoch,
		EnteredAt: st.EnteredAt,
		ExpiresAt: s.srv.o.Now().Add(s.srv.o.TicketLife),
	})
}

// rotateTicket sends a new ticket; it is called by the writer.
func (s *Session) rotateTicket() {
	st := s.seat.Load()
	if st == nil || !st.member.Here() {
		return
	}
	t, err := s.ticket(st)
	if err != nil {
		s.log.Error("ticket could not be minted", "error", err)
		return
	}
	s.out.push(s.encode(&wire.ServerMessage{Body: &wire.ServerMessage_Ticket{Ticket: &wire.Ticket{Ticket: t}}}), "ticket")
}

// sit makes the socket a joined one. The entry's answer has been queued.
func (s *Session) sit(st *seat, backlog []hub.Change) {
	s.seat.Store(st)
	s.state = StateJoined
	s.nonce.Store(nil)
	s.phase.Stop()
	s.leave()
	s.srv.m.joined.Inc()
	st.member.Open(backlog)
	s.srv.LookAgain()
}

// carry asks the node of the seat to open the transport.
func (s *Session) carry(ctx context.Context, st *seat, offer string, who *meeting.Participant) (*noderpc.AdmitResponse, error) {
	at := st.member.Seat()
	grant, err := s.srv.o.Minter.MintGrant(token.Grant{
		Room: st.Room, Meeting: st.Meeting, Participant: st.Participant, Session: st.Session, Number: st.Number,
		SessionVersion: st.SessionVersion, Node: at.Node, Placement: at.Epoch, Publish: publishable(who),
		Subscribe: true, E2EE: st.E2EE,
	})
	if err != nil {
		return nil, err
	}
	r := &noderpc.AdmitRequest{Grant: grant, Offer: offer, Instance: s.srv.o.Instance, LinkBps: st.member.Carries()}
	for _, m := range who.Media {
		if m.On {
			r.On = append(r.On, noderpc.Kind(m.Kind))
		}
		if m.Hard {
			r.HardMuted = append(r.HardMuted, noderpc.Kind(m.Kind))
		}
	}
	// A node that is dead without a word leaves the registry within this time; then there is still time for another.
	ctx, cancel := context.WithTimeout(ctx, admitTime)
	defer cancel()
	resp, err := s.srv.o.Nodes.Admit(ctx, at.Node, r)
	if err != nil {
		return nil, err
	}
	s.video = map[uint32]bool{}
	for _, slot := range resp.Slots {
		s.video[slot.Slot] = slot.Video
	}
	return resp, nil
}

// publishable is what the meeting lets the person publish: one source per kind.
func publishable(p *meeting.Participant) []token.Kind {
	out := make([]token.Kind, 0, len(p.Media))
	for _, m := range p.Media {
		out = append(out, m.Kind)
	}
	return out
}

// find is the person in a document; somebody just let in is always there.
func find(s meeting.Snapshot, participant string) (*meeting.Participant, error) {
	i := slices.IndexFunc(s.Participants, func(p meeting.Participant) bool { return p.ID == participant })
	if i < 0 {
		return nil, errors.New("session: the document lacks the person it let in")
	}
	return &s.Participants[i], nil
}

// grants is what the client is told it may do.
func (st *seat) grants(p *meeting.Participant) *wire.Grants {
	actions := token.RightsOf(p.Role).Actions
	moderates := len(actions) > 0
	g := &wire.Grants{Chat: st.Person.Chat || moderates, Roster: st.Person.Roster || moderates, Moderate: moderates}
	for _, k := range publishable(p) {
		g.Publish = append(g.Publish, hub.KindToWire(k))
	}
	for _, a := range actions {
		if a == token.ActRecord && !st.records {
			continue
		}
		g.Actions = append(g.Actions, hub.ActionToWire(a))
	}
	return g
}

func iceToWire(servers []*noderpc.IceServer) []*wire.IceServer {
	out := make([]*wire.IceServer, 0, len(servers))
	for _, v := range servers {
		out = append(out, &wire.IceServer{Urls: v.Urls, Username: v.Username, Credential: v.Credential, ExpiresMs: v.ExpiresMs})
	}
	return out
}

func slotsToWire(slots []*noderpc.Slot) []*wire.Slot {
	out := make([]*wire.Slot, 0, len(slots))
	for _, s := range slots {
		t := wire.MediaType_MEDIA_TYPE_AUDIO
		if s.Video {
			t = wire.MediaType_MEDIA_TYPE_VIDEO
		}
		out = append(out, &wire.Slot{Slot: s.Slot, Mid: s.Mid, Type: t})
	}
	return out
}

// viewer is whose eyes the person's document is for.
func (st *seat) viewer(p *meeting.Participant) hub.Viewer {
	return hub.Viewer{Participant: st.Participant, Role: hub.RoleToWire(p.Role), Roster: st.Person.Roster, Addresses: st.addresses}
}

// lap measures the phases of an entry.
type lap struct {
	s    *Session
	kind string
	from time.Time
}

func (l *lap) done(phase string) {
	now := time.Now()
	l.s.srv.m.phases.WithLabelValues(l.kind, phase).Observe(now.Sub(l.from).Seconds())
	l.from = now
}

// entered counts an entry and ends sockets that only ever fail.
func (s *Session) entered(kind string, err error) error {
	outcome := "ok"
	if err != nil {
		fault := faultOf(err)
		outcome = string(fault.Code)
		switch fault.Code {
		case wire.CodeTokenInvalid, wire.CodeProofInvalid, wire.CodeTicketInvalid, wire.CodeUnauthorized,
			wire.CodeTokenUsed, wire.CodeTokenExpired, wire.CodeTicketExpired:
			if s.failures++; s.failures >= s.srv.o.EntryFailures {
				err = fault.closing(wire.CloseUnauthorized, DropFailures)
			}
		}
	}
	s.srv.m.entries.WithLabelValues(kind, outcome).Inc()
	return err
}
