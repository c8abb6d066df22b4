package session

import (
	"context"
	"time"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/signaling/hub"
	"incamera/signaling/wire"
)

// lobbyTicket is what somebody waits with.
type lobbyTicket struct {
	pass   token.LobbyPass
	signed string // the same, as it was shown
}

// enterLobby waits at the door of a room.
func enterLobby(ctx context.Context, s *Session, req *request) error {
	return s.entered("lobby", s.enterLobby(ctx, req))
}

func (s *Session) enterLobby(ctx context.Context, req *request) error {
	q := req.GetEnterLobby()
	o := &s.srv.o
	pass, err := o.Tokens.Lobby(q.Pass)
	if err != nil {
		return tokenFault(err)
	}
	if err := s.prove(q.Proof, q.Pass, pass.Key); err != nil {
		return err
	}
	if err := s.fromHere(ctx, token.Person{Assurance: pass.Assurance, Client: pass.Client}); err != nil {
		return err
	}
	lt := &lobbyTicket{pass, q.Pass}
	if err := s.signedIn(ctx, lt.person()); err != nil {
		return err
	}
	if err := s.notBanned(ctx, pass.Room, pass.Subject); err != nil {
		return err
	}
	visit, err := o.Visits.Describe(ctx, Visitor{Pass: pass, Addr: s.addr})
	if err != nil {
		return unavailable.because(err) // a host is not asked to judge without knowing whom
	}
	room, done := o.Hub.Open(pass.Room)
	defer done()
	res, err := o.Lobby.EnterLobby(ctx, pass.Room, meeting.Waiter{
		ID: pass.Waiter, Subject: pass.Subject, Name: pass.Name, Assurance: pass.Assurance,
		Instance: o.Instance, Key: pass.Key, Login: pass.Login, Client: pass.Client,
		Participant: token.ParticipantID(pass.Room, pass.Subject), PassAt: pass.IssuedAt, Visit: visit,
	})
	if err != nil {
		return err
	}
	title := res.Title
	if title == "" {
		if facts, err := o.Rooms.Facts(ctx, pass.Room); err == nil {
			title = facts.Title
		}
	}
	s.reply(req, hub.WaitingMessage(pass.Waiter, title, res.HostPresent))
	s.nonce.Store(nil)
	s.pass.Store(lt)
	s.state = StateWaiting
	s.phase.Reset(o.LobbyTimeout)
	s.leave()
	s.srv.m.waiting.Inc()
	s.waiter = room.Wait(pass.Waiter, res.Version, s)
	return nil
}

// askTime bounds a question that an entry goes on without.
const askTime = time.Second

// seesAddresses says whether somebody who comes in and may admit sees the addresses of people who wait, too. Whoever cannot
// be asked about sees none, and so does who is made a host later, until they come in again.
func (s *Session) seesAddresses(ctx context.Context, p token.Person, r token.Role) bool {
	if !r.May(token.ActAdmit) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	yes, err := s.srv.o.Visits.SeesAddresses(ctx, p)
	if err != nil {
		s.log.Warn("whether somebody may see addresses could not be told", "error", err)
	}
	return yes && err == nil
}

// Admitted mints the token of somebody whom a host let in, and sends it with a fresh nonce. It is part of
// hub.Doorway: the room's follow loop calls it. The host's word came through the live state, so it is verified: it
// must be signed by an instance of this deployment, fresh, and for this very waiter.
func (s *Session) Admitted(word string) {
	lt := s.pass.Swap(nil)
	if lt == nil {
		return
	}
	host, err := s.srv.o.Tokens.Admission(word)
	if err != nil || host.Room != lt.pass.Room || host.Waiter != lt.pass.Waiter {
		s.log.Error("an admission that no host signed was refused", "room", lt.pass.Room, "error", err)
		fault := refuse(wire.CodeForbidden, "the admission could not be verified: ask again")
		s.out.close(s.encode(fault.message(0)), wire.CloseEnded, string(fault.Code))
		return
	}
	ctx, cancel := context.WithTimeout(s.srv.base, s.srv.o.HandlerTimeout)
	defer cancel()
	jws, err := s.srv.o.Issuer.Admitted(ctx, lt.signed, host)
	if err != nil {
		s.log.Error("token of an admitted person could not be minted", "room", lt.pass.Room, "error", err)
		fault := refuse(wire.CodeStateUnavailable, "the token could not be made: ask again").because(err)
		s.out.close(s.encode(fault.message(0)), wire.CloseEnded, string(fault.Code))
		return
	}
	s.phase.Reset(s.srv.o.AdmittedTimeout)
	s.send(&wire.ServerMessage{Body: &wire.ServerMessage_Admitted{
		Admitted: &wire.Admitted{Token: jws, Nonce: s.freshNonce()},
	}})
}

// leaveLobby takes the socket away from the door.
func (s *Session) leaveLobby(ctx context.Context) error {
	s.srv.m.waiting.Dec()
	lt := s.pass.Swap(nil)
	if !s.waiter.Gone() || lt == nil {
		return nil // let in, sent away or replaced
	}
	return s.srv.o.Lobby.LeaveLobby(ctx, lt.pass.Room, lt.pass.Waiter)
}
