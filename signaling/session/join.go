package session

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/signaling/hub"
	"incamera/signaling/wire"
)

// join enters a meeting with a room token.
func join(ctx context.Context, s *Session, req *request) error {
	return s.entered("join", s.join(ctx, req))
}

func (s *Session) join(ctx context.Context, req *request) error {
	j := req.GetJoin()
	clock := &lap{s: s, kind: "join", from: time.Now()}
	heard := s.srv.recalls.count()
	t, facts, err := s.mayJoin(ctx, j)
	if err != nil {
		return err
	}
	clock.done("auth")

	room, done := s.srv.o.Hub.Open(t.Room)
	defer done()
	st, doc, err := s.takeSeat(ctx, t, facts, j.GetMedia(), room)
	if err != nil {
		return err
	}
	clock.done("state")

	who, err := find(doc, st.Participant)
	if err != nil {
		return s.undo(st, err)
	}
	resp, err := s.carrySomewhere(ctx, st, j.Offer, who)
	if err != nil {
		return s.undo(st, err)
	}
	ticket, err := s.ticket(st)
	if err != nil {
		return s.undo(st, err)
	}
	clock.done("admit")

	s.reply(req, &wire.ServerMessage{Body: &wire.ServerMessage_Joined{Joined: &wire.Joined{
		Participant: st.Participant, Session: st.Session, Answer: resp.Answer, Slots: slotsToWire(resp.Slots),
		Snapshot: hub.Filter(hub.SnapshotToWire(doc), st.viewer(who)), Ticket: ticket,
		Placement: st.member.Seat().Epoch, Grants: st.grants(who), IceServers: iceToWire(resp.IceServers),
		Watermark: st.watermark(st.marked),
	}}})
	if s.state == StateWaiting {
		s.srv.m.waiting.Dec()
	}
	s.sit(st, nil)
	s.srv.recheck(st, heard)
	s.log.Info("joined", "room", st.Room, "meeting", st.Meeting, "participant", st.Participant, "role", who.Role)
	return nil
}

// mayJoin checks all that is known before the meeting is touched.
func (s *Session) mayJoin(ctx context.Context, j *wire.Join) (t token.Room, facts Facts, err error) {
	if err := offerFits(j.Offer); err != nil {
		return t, facts, err
	}
	if s.state == StateWaiting && s.pass.Load() != nil {
		return t, facts, refuse(wire.CodeWrongState, "nobody has let this person in yet")
	}
	if t, err = s.srv.o.Tokens.Room(j.Token); err != nil {
		return t, facts, tokenFault(err)
	}
	for _, check := range []func() error{
		func() error { return s.prove(j.Proof, j.Token, t.Key) },
		func() error { return s.fromHere(ctx, t.Person) },
		func() error { return s.signedIn(ctx, t.Person) },
		func() error { return s.notBanned(ctx, t.Room, t.Subject) },
		func() (err error) { facts, err = s.facts(ctx, t.Room); return err },
		func() error { return s.fits(ctx, facts, t.Person) },
		func() error {
			err := s.srv.o.Policy.Enter(ctx, Entrance{Room: t.Room, Person: t.Person, Addr: s.addr, Origin: s.origin, Key: t.Key, Certified: s.managed})
			if err != nil {
				return refuse(wire.CodeForbidden, "the rules of this place do not allow it now").because(err)
			}
			return nil
		},
	} {
		if err := check(); err != nil {
			return t, facts, err
		}
	}
	return t, facts, nil
}

// takeSeat joins the meeting's document; what happens to the seat from then on is kept for the client.
func (s *Session) takeSeat(ctx context.Context, t token.Room, facts Facts, media *wire.MediaIntent, room *hub.Room) (*seat, meeting.Snapshot, error) {
	o := &s.srv.o
	node, err := o.Place.Pick(ctx, t.Room)
	if err != nil {
		return nil, meeting.Snapshot{}, noNode.because(err)
	}
	r := meeting.JoinRequest{
		Room: t.Room, Title: facts.Title, Class: facts.Class, E2EE: facts.E2EE, Max: facts.Max, Screens: facts.Screens, Listen: facts.Listen, Locked: facts.Locked,
		JTI: t.ID, IssuedAt: t.IssuedAt, JTITTL: t.ExpiresAt.Sub(o.Now()) + token.Skew, Person: t.Person, Participant: t.Participant,
		Session: token.NewID("s_"), Instance: o.Instance, CandidateNode: node, Media: intended(media),
		// A host let this person in from the lobby; a stream key is of before the door was locked.
		BypassLock: t.Sponsor != "" && t.Assurance != token.AssuranceStreamKey,
	}
	if facts.AnyoneStarts || t.Role == token.RoleHost || t.Role == token.RoleCohost {
		r.NewMeeting = newMeetingID(o.Now())
	}
	if err := o.Audit.Write(ctx, Act{
		Action: "entry.join", Room: t.Room, By: t.Participant, Subject: t.Subject, Addr: s.addr,
		Detail: map[string]string{"assurance": string(t.Assurance), "sponsor": t.Sponsor, "client": t.Client, "login": t.Login},
	}); err != nil {
		return nil, meeting.Snapshot{}, unavailable.because(err)
	}
	res, err := o.Seats.Join(ctx, r)
	if err != nil {
		return nil, meeting.Snapshot{}, err
	}
	if res.Started {
		if err := o.Rooms.Started(ctx, t.Room, res.Meeting); err != nil {
			s.log.Error("the beginning of a meeting could not be noted", "room", t.Room, "meeting", res.Meeting, "error", err)
		}
	}
	st := &seat{
		Room: t.Room, Meeting: res.Meeting, Participant: t.Participant, Session: r.Session, Number: res.Number,
		SessionVersion: res.SessionVersion, Person: t.Person, Key: t.Key, E2EE: res.Snapshot.E2EE, EnteredAt: t.IssuedAt,
		marked: facts.Watermark, records: facts.Recording, mark: s.mark(ctx, t.Person),
	}
	room.Seed(res.Snapshot)
	st.addresses = s.seesAddresses(ctx, st.Person, res.Role)
	st.member = room.Add(hub.MemberOptions{
		Participant: st.Participant, Session: st.Session, Role: hub.RoleToWire(res.Role), Roster: t.Roster,
		Seat:    hub.Seat{Node: res.Placement.Node, Epoch: res.Placement.Epoch},
		Version: res.Snapshot.Version, Addresses: st.addresses, Outlet: s,
	})
	return st, res.Snapshot, nil
}

// carrySomewhere opens the transport where the seat is, or once more on another node: when that one is gone, or takes no
// new room and nobody else is in this one.
func (s *Session) carrySomewhere(ctx context.Context, st *seat, offer string, who *meeting.Participant) (*noderpc.AdmitResponse, error) {
	var refused error
	if s.srv.o.Place.Usable(ctx, st.member.Seat().Node) {
		resp, err := s.carry(ctx, st, offer, who)
		if noderpc.CodeOf(err) == noderpc.CodeOverloaded && st.member.Room.Alone() {
			refused = err
		}
		dead := noderpc.CodeOf(err) == noderpc.CodeUnavailable ||
			noderpc.CodeOf(err) == noderpc.CodeDeadline && !s.srv.o.Place.Usable(ctx, st.member.Seat().Node)
		if !dead && refused == nil {
			return resp, err
		}
	}
	next, err := s.srv.o.Place.Another(ctx, st.Room, st.Participant, st.member.Seat())
	if err != nil {
		return nil, cmp.Or(refused, err)
	}
	st.member.Reseat(next, false)
	return s.carry(ctx, st, offer, who)
}

// undo takes back a seat whose transport could not be opened.
func (s *Session) undo(st *seat, cause error) error {
	st.member.Leave("failed")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.srv.base), s.srv.o.HandlerTimeout)
	defer cancel()
	s.insist(ctx, st, "seat could not be taken back", func(ctx context.Context) error {
		return s.srv.o.Seats.Leave(ctx, st.Room, st.Participant, st.Session, string(wire.ReasonLeft))
	})
	return cause
}

func intended(m *wire.MediaIntent) []token.Kind {
	var out []token.Kind
	if m.GetMic() {
		out = append(out, token.Mic)
	}
	if m.GetCamera() {
		out = append(out, token.Camera)
	}
	return out
}

// newMeetingID makes a UUID of version 7: ids sort by the time the meeting began.
func newMeetingID(now time.Time) string {
	var b [16]byte
	rand.Read(b[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(b[:6], ms[2:])
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
