package session

import (
	"context"

	"incamera/cluster/noderpc"
	"incamera/signaling/hub"
	"incamera/signaling/wire"
)

const (
	maxWishes = 64
	maxPixels = 8192 // of a tile's side
)

// setMedia switches one of the sender's own sources. Off holds at the node before the meeting is told; on is asked of
// the meeting first, which knows grants and mutes.
func setMedia(ctx context.Context, s *Session, req *request) error {
	q := req.GetSetMedia()
	kind, ok := hub.KindFromWire(q.Kind)
	if !ok {
		return refuse(wire.CodeBadMessage, "no such kind of source")
	}
	st := s.seat.Load()
	if !q.On {
		s.setSource(ctx, st, noderpc.Kind(kind), false)
	}
	if err := s.srv.o.Talk.SetMedia(ctx, st.Room, st.actor(), kind, q.On); err != nil {
		return err
	}
	if q.On {
		s.setSource(ctx, st, noderpc.Kind(kind), true)
	}
	return nil
}

// setSource tells the node. When it cannot be told, the person is about to move, and the new node learns it at once.
func (s *Session) setSource(ctx context.Context, st *seat, kind noderpc.Kind, on bool) {
	err := s.srv.o.Nodes.Command(ctx, st.member.Seat().Node, &noderpc.CommandRequest{
		Ref:     st.ref(),
		Command: &noderpc.CommandRequest_SetSource{SetSource: &noderpc.SetSource{Kind: kind, On: on}},
	})
	if err != nil {
		s.log.Info("source could not be switched at the node", "participant", st.Participant, "on", on, "error", err)
	}
}

// setWishes says what the client's video slots should show.
func setWishes(ctx context.Context, s *Session, req *request) error {
	q := req.GetSetWishes()
	st := s.seat.Load()
	command, err := s.wishesOf(st, q)
	if err != nil {
		return err
	}
	s.wishes = q
	return s.srv.o.Nodes.Command(ctx, st.member.Seat().Node, &noderpc.CommandRequest{Ref: st.ref(), Command: command})
}

func (s *Session) wishesOf(st *seat, q *wire.SetWishes) (*noderpc.CommandRequest_SetWishes, error) {
	if len(q.Wishes) > maxWishes {
		return nil, refuse(wire.CodeBadMessage, "too many wishes")
	}
	seen := map[uint32]bool{}
	out := &noderpc.SetWishes{}
	for _, w := range q.Wishes {
		switch {
		case seen[w.Slot]:
			return nil, refuse(wire.CodeBadMessage, "two wishes for one slot")
		case s.video != nil && !s.video[w.Slot] || s.video == nil && w.Slot >= maxWishes:
			return nil, refuse(wire.CodeBadMessage, "no such video slot")
		case w.Width > maxPixels || w.Height > maxPixels:
			return nil, refuse(wire.CodeBadMessage, "a tile is at most 8192 pixels wide and high")
		}
		seen[w.Slot] = true
		source, shown, err := s.sourceOf(st, w)
		if err != nil {
			return nil, err
		}
		wish := &noderpc.Wish{Slot: w.Slot, SourceId: source}
		if shown {
			wish.Width, wish.Height = w.Width, w.Height
		}
		out.Wishes = append(out.Wishes, wish)
	}
	return &noderpc.CommandRequest_SetWishes{SetWishes: out}, nil
}

// sourceOf is the pinned source's id, 0 for a slot filled by speech. Somebody who just left is no error: the slot
// stays empty.
func (s *Session) sourceOf(st *seat, w *wire.Wish) (id uint32, shown bool, err error) {
	if w.Participant == "" {
		if w.Kind != wire.SourceKind_SOURCE_KIND_UNSPECIFIED {
			return 0, false, refuse(wire.CodeBadMessage, "a kind without a participant")
		}
		return 0, true, nil
	}
	if w.Kind != wire.SourceKind_SOURCE_KIND_CAMERA && w.Kind != wire.SourceKind_SOURCE_KIND_SCREEN {
		return 0, false, refuse(wire.CodeBadMessage, "only cameras and screens can be pinned")
	}
	p := st.member.Room.Person(w.Participant)
	if p == nil {
		return 0, false, nil
	}
	return p.Number*8 + uint32(w.Kind), true, nil
}
