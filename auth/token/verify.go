package token

import (
	"errors"
	"time"

	"incamera/auth/pki"
)

// Verifier checks signed objects. It is safe for concurrent use.
type Verifier struct {
	trust    *pki.Trust
	audience string
	revoked  func(kid string) bool
	now      func() time.Time
}

// NewVerifier makes a Verifier.
func NewVerifier(o Options) (*Verifier, error) {
	if o.Trust == nil {
		return nil, errors.New("token: Trust is required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Verifier{trust: o.Trust, audience: o.Audience, revoked: o.Revoked, now: o.Now}, nil
}

// Room verifies a room token.
func (v *Verifier) Room(jws string) (Room, error) {
	var c roomClaims
	if err := v.open(jws, TypeRoom, &c); err != nil {
		return Room{}, err
	}
	if err := v.judge(c.Audience, c.times, MaxRoomLife, c.check()); err != nil {
		return Room{}, err
	}
	iat, exp := c.times.spread()
	return Room{
		ID: c.ID, Audience: c.Audience, Room: c.Room, Participant: c.Participant, Person: c.person(),
		Key: c.Confirm.JKT, IssuedAt: iat, ExpiresAt: exp,
	}, nil
}

// Ticket verifies a resume ticket.
func (v *Verifier) Ticket(jws string) (Ticket, error) {
	var c ticketClaims
	if err := v.open(jws, TypeTicket, &c); err != nil {
		return Ticket{}, err
	}
	if err := v.judge(c.Audience, c.times, MaxTicketLife, c.check()); err != nil {
		return Ticket{}, err
	}
	iat, exp := c.times.spread()
	s := c.seatClaims
	return Ticket{
		Audience: c.Audience, Room: s.Room, Meeting: s.Meeting, Participant: s.Participant, Session: s.Session,
		Number: s.Number, SessionVersion: s.SessionVersion, Person: c.person(), Key: c.Confirm.JKT,
		Node: s.Node, Placement: s.Placement, EnteredAt: time.Unix(c.EnteredAt, 0).UTC(), IssuedAt: iat, ExpiresAt: exp,
	}, nil
}

// Lobby verifies a lobby pass.
func (v *Verifier) Lobby(jws string) (LobbyPass, error) {
	var c lobbyClaims
	if err := v.open(jws, TypeLobby, &c); err != nil {
		return LobbyPass{}, err
	}
	if err := v.judge(c.Audience, c.times, MaxLobbyLife, c.check()); err != nil {
		return LobbyPass{}, err
	}
	iat, exp := c.times.spread()
	return LobbyPass{
		Audience: c.Audience, Room: c.Room, Waiter: c.Waiter, Subject: c.Subject, Name: c.Name,
		Assurance: c.Assurance, Login: c.Login, Client: c.Client, Key: c.Confirm.JKT, IssuedAt: iat, ExpiresAt: exp,
	}, nil
}

// Admission verifies a host's word.
func (v *Verifier) Admission(jws string) (Admission, error) {
	var c admissionClaims
	if err := v.open(jws, TypeAdmission, &c); err != nil {
		return Admission{}, err
	}
	if err := v.judge(c.Audience, c.times, MaxAdmissionLife, c.check()); err != nil {
		return Admission{}, err
	}
	iat, exp := c.times.spread()
	return Admission{
		Audience: c.Audience, Room: c.Room, Waiter: c.Waiter, Person: c.person(),
		EnteredAt: time.Unix(c.EnteredAt, 0).UTC(), IssuedAt: iat, ExpiresAt: exp,
	}, nil
}

// Grant verifies a grant. It has no audience: the deployment is in the signer's certificate, and the node checks
// that Node is itself.
func (v *Verifier) Grant(jws string) (Grant, error) {
	var c grantClaims
	signer, err := v.opened(jws, TypeGrant, &c)
	if err != nil {
		return Grant{}, err
	}
	if err := errors.Join(c.times.check(v.now(), MaxGrantLife), c.check()); err != nil {
		return Grant{}, err
	}
	iat, exp := c.times.spread()
	s := c.seatClaims
	return Grant{
		ID: c.ID, Room: s.Room, Meeting: s.Meeting, Participant: s.Participant, Session: s.Session,
		Number: s.Number, SessionVersion: s.SessionVersion, Node: s.Node, Placement: s.Placement,
		Publish: c.Publish, Subscribe: c.Subscribe, E2EE: c.E2EE, Signer: signer, IssuedAt: iat, ExpiresAt: exp,
	}, nil
}

// dated are claims that say when they were made.
type dated interface{ issued() time.Time }

func (t times) issued() time.Time { return time.Unix(t.IssuedAt, 0) }

// open checks who signed. A key signs in its window alone: what says to be made after it is refused, and what was made
// within it lives no longer than its kind may, so a key is retired by itself.
func (v *Verifier) open(jws, typ string, claims dated) error {
	_, err := v.opened(jws, typ, claims)
	return err
}

// opened is open that tells which process signed.
func (v *Verifier) opened(jws, typ string, claims dated) (signer string, err error) {
	s, err := v.trust.VerifyKeyed(jws, typ, claims, v.now(), pki.RoleSignaling)
	if err != nil {
		return "", fromPKI(err)
	}
	if s.Kid == "" {
		return s.ID, nil // the process's identity itself
	}
	if v.revoked != nil && v.revoked(s.Kid) {
		return "", failf(CodeKey, "revoked")
	}
	// the window and iat are of one process's clock; iat itself is judged against ours
	if made := claims.issued(); made.Before(s.From) || made.After(s.Until) {
		return "", failf(CodeKey, "not in its window")
	}
	return s.ID, nil
}

func (v *Verifier) judge(audience string, t times, longest time.Duration, claims error) error {
	if v.audience == "" || audience != v.audience {
		return fail(CodeAudience)
	}
	if err := t.check(v.now(), longest); err != nil {
		return err
	}
	return claims
}

func (t times) spread() (iat, exp time.Time) {
	return time.Unix(t.IssuedAt, 0).UTC(), time.Unix(t.ExpiresAt, 0).UTC()
}

func (p personClaims) person() Person {
	out := Person{
		Subject: p.Subject, Name: p.Name, Role: p.Role, Assurance: p.Assurance, Sponsor: p.Sponsor,
		Client: p.Client, Login: p.Login, Publish: p.Publish, Chat: p.Chat, Roster: p.Roster, Moderate: p.Moderate,
	}
	if p.FactorAt > 0 {
		out.FactorAt = time.Unix(p.FactorAt, 0)
	}
	return out
}
