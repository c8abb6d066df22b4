package session

import (
	"context"
	"errors"
	"slices"

	"incamera/auth/policy"
	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/signaling/hub"
	"incamera/signaling/wire"
)

// may says whether the person's role of now has an action. The scripts decide; this only spares them the clear cases.
func (st *seat) may(a token.Action) bool {
	r, ok := hub.RoleFromWire(st.member.Role())
	return ok && r.May(a)
}

// moderate keeps the act in the audit log, before it is done.
func (s *Session) moderate(ctx context.Context, power token.Action, action, target string, detail map[string]string) (*seat, error) {
	st := s.seat.Load()
	if !st.may(power) || s.restricted(policy.NoModeration) || power == token.ActRecord && !s.recordable(st) {
		return nil, refuse(wire.CodeForbidden, "your role in this meeting may not do that")
	}
	err := s.srv.o.Audit.Write(ctx, Act{
		Action: "moderation." + action, Room: st.Room, Meeting: st.Meeting, By: st.Participant, Target: target,
		Subject: st.Person.Subject, Addr: s.addr, Detail: detail,
	})
	if err != nil {
		return nil, unavailable.because(err)
	}
	return st, nil
}

// muteParticipant switches off a source of somebody else, at the node before this returns.
func muteParticipant(ctx context.Context, s *Session, req *request) error {
	q := req.GetMuteParticipant()
	kind, ok := hub.KindFromWire(q.Kind)
	if !ok || q.Hard && q.Allow {
		return refuse(wire.CodeBadMessage, "no such kind of source, or both hard and allow")
	}
	st, err := s.moderate(ctx, token.ActMute, "mute", q.Participant, nil)
	if err != nil {
		return err
	}
	at, err := s.srv.o.Moderation.Mute(ctx, st.Room, st.actor(), meeting.MuteRequest{
		Target: q.Participant, Kind: kind, Hard: q.Hard, Allow: q.Allow,
	})
	if err != nil {
		return err
	}
	if !q.Allow {
		s.sourceOff(ctx, st.Room, at, kind)
	}
	return nil
}

func (s *Session) sourceOff(ctx context.Context, room string, at meeting.Seat, kind token.Kind) {
	if at.Node == "" {
		return
	}
	err := s.srv.o.Nodes.Command(ctx, at.Node, &noderpc.CommandRequest{
		Ref: &noderpc.TransportRef{Room: room, Participant: at.Participant, Placement: at.Epoch},
		Command: &noderpc.CommandRequest_SetSource{
			SetSource: &noderpc.SetSource{Kind: noderpc.Kind(kind), On: false},
		},
	})
	if err != nil && noderpc.CodeOf(err) != noderpc.CodeNotFound {
		s.log.Warn("source could not be switched off at the node", "participant", at.Participant, "node", at.Node, "error", err)
	}
}

// removeParticipant takes somebody out. Their socket, on whichever instance, learns of it by the event.
func removeParticipant(ctx context.Context, s *Session, req *request) error {
	q := req.GetRemoveParticipant()
	action := "remove"
	if q.Ban {
		action = "ban"
	}
	st, err := s.moderate(ctx, token.ActRemove, action, q.Participant, nil)
	if err != nil {
		return err
	}
	at, err := s.srv.o.Moderation.Remove(ctx, st.Room, st.actor(), q.Participant, q.Ban)
	if err != nil {
		return err
	}
	s.srv.o.Hub.EndTransport(st.Room, at.Participant, hub.Seat{Node: at.Node, Epoch: at.Epoch}, action)
	if q.Ban {
		return s.keepBan(ctx, st, at.Subject)
	}
	return nil
}

// keepBan makes a ban outlast the meeting, which knows it already.
func (s *Session) keepBan(ctx context.Context, st *seat, subject string) error {
	if err := s.srv.o.Bans.Ban(ctx, st.Room, subject, st.Person.Subject); err != nil {
		return refuse(wire.CodeStateUnavailable, "banned from this meeting, but the ban could not be kept for later").because(err)
	}
	return nil
}

func setRole(ctx context.Context, s *Session, req *request) error {
	q := req.GetSetRole()
	role, ok := hub.RoleFromWire(q.Role)
	if !ok {
		return refuse(wire.CodeBadMessage, "no such role")
	}
	st, err := s.moderate(ctx, token.ActSetRole, "set_role", q.Participant, map[string]string{"role": string(role)})
	if err != nil {
		return err
	}
	at, err := s.srv.o.Moderation.SetRole(ctx, st.Room, st.actor(), q.Participant, role)
	if err != nil {
		return err
	}
	for _, kind := range token.AllKinds() {
		if !slices.Contains(at.Publish, kind) {
			s.sourceOff(ctx, st.Room, at, kind)
		}
	}
	return nil
}

func setLocked(ctx context.Context, s *Session, req *request) error {
	st, err := s.moderate(ctx, token.ActLock, "set_locked", "", nil)
	if err != nil {
		return err
	}
	return s.srv.o.Moderation.SetLocked(ctx, st.Room, st.actor(), req.GetSetLocked().Locked)
}

func endMeeting(ctx context.Context, s *Session, _ *request) error {
	st, err := s.moderate(ctx, token.ActEnd, "end", "", nil)
	if err != nil {
		return err
	}
	return s.srv.o.Moderation.End(ctx, st.Room, st.actor())
}

// host is the word of somebody who lets a waiter in, with the rights of now: a person may have been made co-host since
// they entered.
func (st *seat) host(waiter string) token.Admission {
	host := st.Person
	host.Moderate = true
	if host.Role = token.RoleCohost; st.member.Role() == wire.Role_ROLE_HOST {
		host.Role = token.RoleHost
	}
	return token.Admission{Room: st.Room, Waiter: waiter, Person: host, EnteredAt: st.EnteredAt}
}

// vouches refuses a host who cannot vouch for anybody now, before the waiter hears that somebody opened: whoever needs a
// fresh second factor for it is asked for that.
func (s *Session) vouches(ctx context.Context, host token.Admission) error {
	st := s.seat.Load()
	if !st.may(token.ActAdmit) {
		return nil // what moderate refuses
	}
	if a := host.Assurance; a == token.AssuranceGuest || a == token.AssuranceStreamKey {
		return refuse(wire.CodeForbidden, "only somebody with a second factor can vouch for a guest")
	}
	if s.srv.o.Sponsors == nil {
		return nil
	}
	err := s.srv.o.Sponsors.Sponsor(ctx, host)
	var need *FactorNeeded
	switch {
	case errors.As(err, &need):
		fault := refuse(wire.CodeSecondFactor, "confirm your second factor first")
		fault.StepUp = &wire.StepUp{Acr: string(need.Assurance), MaxAgeMs: need.MaxAge.Milliseconds()}
		if st.Person.Client != "" { // who has an account gives the factor on the deployment's own page
			fault.StepUp.Nonce = s.freshNonce()
		}
		return fault
	case errors.Is(err, ErrRevoked):
		return refuse(wire.CodeForbidden, "this seat cannot vouch for anybody").because(err)
	case err != nil:
		return unavailable.because(err)
	}
	return nil
}

// admit lets a waiter in. The instance that holds the waiter's socket mints the token when it sees the event.
func admit(ctx context.Context, s *Session, req *request) error {
	q := req.GetAdmit()
	host := s.seat.Load().host(q.Waiter)
	if err := s.vouches(ctx, host); err != nil {
		return err
	}
	st, err := s.moderate(ctx, token.ActAdmit, "admit", q.Waiter, nil)
	if err != nil {
		return err
	}
	word, err := s.srv.o.Minter.MintAdmission(host)
	if err != nil {
		return refuse(wire.CodeForbidden, "this seat cannot vouch for anybody").because(err)
	}
	_, err = s.srv.o.Lobby.Admit(ctx, st.Room, st.actor(), q.Waiter, word)
	return err
}

func decline(ctx context.Context, s *Session, req *request) error {
	q := req.GetDecline()
	st, err := s.moderate(ctx, token.ActAdmit, "decline", q.Waiter, nil)
	if err != nil {
		return err
	}
	w, err := s.srv.o.Lobby.Decline(ctx, st.Room, st.actor(), q.Waiter, q.Ban)
	if err != nil || !q.Ban {
		return err
	}
	return s.keepBan(ctx, st, w.Subject)
}
