package session

import (
	"context"
	"slices"
	"time"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/signaling/hub"
	"incamera/signaling/wire"
)

// resume takes a seat up again by its ticket, on whichever instance the client reached.
func resume(ctx context.Context, s *Session, req *request) error {
	return s.entered("resume", s.resume(ctx, req))
}

func (s *Session) resume(ctx context.Context, req *request) error {
	q := req.GetResume()
	clock := &lap{s: s, kind: "resume", from: time.Now()}
	heard := s.srv.recalls.count()
	t, err := s.mayResume(ctx, q)
	if err != nil {
		return err
	}
	clock.done("auth")

	o := &s.srv.o
	room, done := o.Hub.Open(t.Room)
	defer done()
	res, err := o.Seats.Resume(ctx, meeting.ResumeRequest{
		Room: t.Room, Meeting: t.Meeting, Participant: t.Participant, Session: t.Session,
		SessionVersion: t.SessionVersion, Instance: o.Instance, Version: q.Version,
	})
	if err != nil {
		return resumeFault(err)
	}
	who, err := find(res.Snapshot, t.Participant)
	if err != nil {
		return err
	}
	st := seatOfTicket(t, res)
	st.resumed, st.mark = true, s.mark(ctx, t.Person)
	// Where it cannot be told there is a watermark: a resume needs no database, and the review will tell.
	facts, err := o.Rooms.Facts(ctx, t.Room)
	st.marked, st.records = err != nil || facts.Watermark, err == nil && facts.Recording
	room.Seed(res.Snapshot)
	st.addresses = s.seesAddresses(ctx, st.Person, res.Role)
	st.member = room.Add(hub.MemberOptions{
		Participant: st.Participant, Session: st.Session, Role: hub.RoleToWire(res.Role), Roster: t.Roster,
		Seat:    hub.Seat{Node: res.Placement.Node, Epoch: res.Placement.Epoch},
		Version: res.Snapshot.Version, Addresses: st.addresses, Outlet: s,
	})
	clock.done("state")

	out := &wire.Resumed{Participant: st.Participant, Session: st.Session, Grants: st.grants(who), Watermark: st.watermark(st.marked)}
	lost, err := s.transport(ctx, st, q.Offer, who, out)
	if err != nil {
		return s.notResumed(st, err)
	}
	if out.Ticket, err = s.ticket(st); err != nil {
		return s.notResumed(st, err)
	}
	out.Placement = st.member.Seat().Epoch
	clock.done("admit")

	backlog := hub.Changes(res.Events)
	renamed := slices.ContainsFunc(res.Events, func(e meeting.Event) bool { return e.Kind == meeting.Renamed })
	if renamed || q.Version == 0 || q.Version != res.Snapshot.Version && len(res.Events) == 0 {
		backlog, out.Snapshot = nil, hub.Filter(hub.SnapshotToWire(res.Snapshot), st.viewer(who))
	}
	s.reply(req, &wire.ServerMessage{Body: &wire.ServerMessage_Resumed{Resumed: out}})
	s.sit(st, backlog)
	s.srv.recheck(st, heard)
	if lost {
		o.Place.Start(st.member, wire.MoveNodeLost, 1)
	}
	s.log.Info("resumed", "room", st.Room, "participant", st.Participant, "from", res.OldInstance, "offer", q.Offer != "")
	return nil
}

// mayResume checks the ticket. Bans are not asked for: a ban takes the seat away, and a resume needs no database.
func (s *Session) mayResume(ctx context.Context, q *wire.Resume) (token.Ticket, error) {
	if q.Offer != "" {
		if err := offerFits(q.Offer); err != nil {
			return token.Ticket{}, err
		}
	}
	t, err := s.srv.o.Tokens.Ticket(q.Ticket)
	if err != nil {
		return token.Ticket{}, ticketFault(err)
	}
	if err := s.prove(q.Proof, q.Ticket, t.Key); err != nil {
		return token.Ticket{}, err
	}
	if err := s.fromHere(ctx, t.Person); err != nil {
		return token.Ticket{}, err
	}
	return t, s.entitled(ctx, t.Person)
}

func seatOfTicket(t token.Ticket, res meeting.ResumeResult) *seat {
	return &seat{
		Room: t.Room, Meeting: t.Meeting, Participant: t.Participant, Session: t.Session, Number: t.Number,
		SessionVersion: t.SessionVersion, Person: t.Person, Key: t.Key, E2EE: res.Snapshot.E2EE, EnteredAt: t.EnteredAt,
	}
}

// transport gives the client a new transport for its offer, or takes the living one's events over. lost says that
// there is none any more: the client is asked to move.
func (s *Session) transport(ctx context.Context, st *seat, offer string, who *meeting.Participant, out *wire.Resumed) (lost bool, err error) {
	o := &s.srv.o
	old := st.member.Seat()
	if offer == "" {
		if !o.Place.Usable(ctx, old.Node) {
			return true, nil
		}
		err := o.Nodes.Command(ctx, old.Node, &noderpc.CommandRequest{
			Ref: st.ref(), Command: &noderpc.CommandRequest_Attach{Attach: &noderpc.Attach{Instance: o.Instance}},
		})
		if err != nil {
			s.log.Info("transport is gone", "node", old.Node, "participant", st.Participant, "error", err)
		}
		return err != nil, nil
	}
	next, err := o.Place.Next(ctx, st.Room, st.Participant, old)
	if err != nil {
		return false, err
	}
	st.member.Reseat(next, false)
	resp, err := s.carrySomewhere(ctx, st, offer, who)
	if err != nil {
		return false, err
	}
	o.Hub.EndTransport(st.Room, st.Participant, old, "resumed")
	out.Answer, out.Slots, out.IceServers = resp.Answer, slotsToWire(resp.Slots), iceToWire(resp.IceServers)
	return false, nil
}

// notResumed leaves the seat as it was: away, for the client's next try.
func (s *Session) notResumed(st *seat, cause error) error {
	if st.member.Detach(s) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.srv.base), s.srv.o.HandlerTimeout)
		defer cancel()
		s.away(ctx, st)
	}
	return cause
}

// resumeFault words what a resume alone can meet: the seat is not there any more.
func resumeFault(err error) error {
	switch meeting.CodeOf(err) {
	case meeting.CodeNotFound, meeting.CodeStale, meeting.CodeEnded:
		return refuse(wire.CodeTicketInvalid, "the seat is gone: join anew").because(err)
	}
	return err
}
