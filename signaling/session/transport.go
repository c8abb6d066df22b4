package session

import (
	"context"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/signaling/wire"
)

// renegotiate hands the living transport a new offer: more slots, or an ICE restart.
func renegotiate(ctx context.Context, s *Session, req *request) error {
	q := req.GetRenegotiate()
	if err := offerFits(q.Offer); err != nil {
		return err
	}
	st := s.seat.Load()
	at := st.member.Seat()
	resp, err := s.srv.o.Nodes.Renegotiate(ctx, at.Node, &noderpc.RenegotiateRequest{Ref: st.ref(), Offer: q.Offer})
	if err != nil {
		return err
	}
	s.video = map[uint32]bool{}
	for _, slot := range resp.Slots {
		s.video[slot.Slot] = slot.Video
	}
	s.reply(req, answer(resp, at.Epoch))
	return nil
}

// moveOffer opens the second transport a `move` asked for.
func moveOffer(ctx context.Context, s *Session, req *request) error {
	q := req.GetMoveOffer()
	if err := offerFits(q.Offer); err != nil {
		return err
	}
	st := s.seat.Load()
	at := st.member.Seat()
	if q.Placement != at.Epoch {
		return refuse(wire.CodeConflict, "that is not the placement this person was asked to move to")
	}
	who := st.state()
	if who == nil {
		return refuse(wire.CodeConflict, "this person is not in the meeting any more")
	}
	resp, err := s.carry(ctx, st, q.Offer, who)
	if err != nil {
		return err
	}
	s.reply(req, answer(resp, at.Epoch))
	s.repeatWishes(ctx, st)
	return nil
}

// repeatWishes tells a new transport what the client wished of the old one.
func (s *Session) repeatWishes(ctx context.Context, st *seat) {
	if s.wishes == nil {
		return
	}
	command, err := s.wishesOf(st, s.wishes)
	if err != nil {
		return // the new transport has other slots: the client wishes anew
	}
	err = s.srv.o.Nodes.Command(ctx, st.member.Seat().Node, &noderpc.CommandRequest{Ref: st.ref(), Command: command})
	if err != nil {
		s.log.Info("wishes could not be repeated", "participant", st.Participant, "error", err)
	}
}

func answer(resp *noderpc.AdmitResponse, placement uint64) *wire.ServerMessage {
	return &wire.ServerMessage{Body: &wire.ServerMessage_Answer{Answer: &wire.Answer{
		Answer: resp.Answer, Slots: slotsToWire(resp.Slots), Placement: placement, IceServers: iceToWire(resp.IceServers),
	}}}
}

// state is what the meeting knows of the person now, as far as a node must know it.
func (st *seat) state() *meeting.Participant {
	p := st.member.Room.Person(st.Participant)
	if p == nil {
		return nil
	}
	out := &meeting.Participant{ID: p.Id, HardMuted: p.HardMuted}
	for _, m := range p.Media {
		kind := token.Kind(m.Kind)
		out.Media = append(out.Media, meeting.MediaSource{
			Kind: kind, On: m.On, MutedByHost: m.MutedByHost, Hard: kind == token.Mic && p.HardMuted,
		})
	}
	return out
}
