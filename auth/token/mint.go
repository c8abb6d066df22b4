package token

import (
	"errors"
	"time"

	"incamera/auth/pki"
)

// Options of a Minter (Identity, Audience, Now) and of a Verifier (Trust, Audience, Now).
type Options struct {
	Identity *pki.Identity         // Minter: of a signaling process
	Trust    *pki.Trust            // Verifier
	Keys     *Keys                 // Minter: signs with these instead of the identity itself
	Revoked  func(kid string) bool // Verifier: whether a signing key is refused before its time; optional
	Audience string                // this deployment's audience, compared exactly; a Verifier without one verifies grants only
	Now      func() time.Time      // time.Now when nil
}

// Validate says what is missing for either use.
func (o Options) Validate() error {
	if o.Identity == nil && o.Trust == nil {
		return errors.New("token: Identity or Trust is required")
	}
	if o.Identity != nil && (o.Identity.Role() != pki.RoleSignaling || o.Audience == "") {
		return errors.New("token: a minter needs a signaling process's Identity and an Audience")
	}
	return nil
}

// Minter signs. It checks what it signs with the verifier's own rules, so nothing is minted that would be refused.
// Deciding who gets what is not its job: room tokens and lobby passes come from package issue.
type Minter struct {
	identity *pki.Identity
	keys     *Keys
	audience string
	now      func() time.Time
}

// NewMinter makes a Minter.
func NewMinter(o Options) (*Minter, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Identity == nil {
		return nil, errors.New("token: Identity is required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Minter{identity: o.Identity, keys: o.Keys, audience: o.Audience, now: o.Now}, nil
}

// Audience is what the minter writes as aud.
func (m *Minter) Audience() string { return m.audience }

// MintRoom signs a room token. An empty ID becomes random; zero times become now and now + MaxRoomLife.
func (m *Minter) MintRoom(r Room) (string, error) {
	if r.ID == "" {
		r.ID = NewID("")
	}
	c := roomClaims{
		ID: r.ID, Audience: m.audience, Room: r.Room, Participant: r.Participant,
		Confirm: confirmation{r.Key}, personClaims: toPerson(r.Person),
		times: m.times(r.IssuedAt, r.ExpiresAt, MaxRoomLife),
	}
	if err := errors.Join(c.check(), c.times.check(m.now(), MaxRoomLife)); err != nil {
		return "", err
	}
	return m.sign(TypeRoom, c)
}

// MintTicket signs a resume ticket.
func (m *Minter) MintTicket(t Ticket) (string, error) {
	if t.EnteredAt.IsZero() {
		t.EnteredAt = m.now()
	}
	c := ticketClaims{
		Audience: m.audience, Confirm: confirmation{t.Key}, EnteredAt: t.EnteredAt.Unix(),
		seatClaims:   seatClaims{t.Room, t.Meeting, t.Participant, t.Session, t.Number, t.SessionVersion, t.Node, t.Placement},
		personClaims: toPerson(t.Person), times: m.times(t.IssuedAt, t.ExpiresAt, DefaultTicketLife),
	}
	if err := errors.Join(c.check(), c.times.check(m.now(), MaxTicketLife)); err != nil {
		return "", err
	}
	return m.sign(TypeTicket, c)
}

// MintLobby signs a lobby pass. An empty Waiter becomes random.
func (m *Minter) MintLobby(l LobbyPass) (string, error) {
	if l.Waiter == "" {
		l.Waiter = NewID("w_")
	}
	c := lobbyClaims{
		Audience: m.audience, Room: l.Room, Waiter: l.Waiter, Subject: l.Subject, Name: l.Name,
		Assurance: l.Assurance, Login: l.Login, Client: l.Client, Confirm: confirmation{l.Key},
		times: m.times(l.IssuedAt, l.ExpiresAt, DefaultLobbyLife),
	}
	if err := errors.Join(c.check(), c.times.check(m.now(), MaxLobbyLife)); err != nil {
		return "", err
	}
	return m.sign(TypeLobby, c)
}

// MintAdmission signs a host's word. Its life is short: it is used at once or never.
func (m *Minter) MintAdmission(a Admission) (string, error) {
	c := admissionClaims{
		Audience: m.audience, Room: a.Room, Waiter: a.Waiter, EnteredAt: a.EnteredAt.Unix(), personClaims: toPerson(a.Person),
		times: m.times(a.IssuedAt, a.ExpiresAt, MaxAdmissionLife),
	}
	if err := errors.Join(c.check(), c.times.check(m.now(), MaxAdmissionLife)); err != nil {
		return "", err
	}
	return m.sign(TypeAdmission, c)
}

// MintGrant signs a grant. An empty ID becomes random.
func (m *Minter) MintGrant(g Grant) (string, error) {
	if g.ID == "" {
		g.ID = NewID("")
	}
	c := grantClaims{
		ID:         g.ID,
		seatClaims: seatClaims{g.Room, g.Meeting, g.Participant, g.Session, g.Number, g.SessionVersion, g.Node, g.Placement},
		Publish:    kinds(g.Publish), Subscribe: g.Subscribe, E2EE: g.E2EE,
		times: m.times(g.IssuedAt, g.ExpiresAt, DefaultGrantLife),
	}
	if err := errors.Join(c.check(), c.times.check(m.now(), MaxGrantLife)); err != nil {
		return "", err
	}
	return m.sign(TypeGrant, c)
}

func (m *Minter) sign(typ string, claims any) (string, error) {
	sign := m.identity.Sign
	if m.keys != nil {
		k, err := m.keys.Current()
		if err != nil {
			return "", fromPKI(err)
		}
		sign = k.Sign
	}
	s, err := sign(typ, claims)
	if err != nil {
		return "", fromPKI(err)
	}
	return s, nil
}

func (m *Minter) times(issued, expires time.Time, life time.Duration) times {
	if issued.IsZero() {
		issued = m.now()
	}
	if expires.IsZero() {
		expires = time.Unix(issued.Unix(), 0).Add(life)
	}
	return times{IssuedAt: issued.Unix(), ExpiresAt: expires.Unix()}
}

// kinds never returns nil, which would be written as null.
func kinds(ks []Kind) []Kind { return append([]Kind{}, ks...) }

func toPerson(p Person) personClaims {
	c := personClaims{
		Subject: p.Subject, Name: p.Name, Role: p.Role, Assurance: p.Assurance, Sponsor: p.Sponsor,
		Client: p.Client, Login: p.Login, Publish: kinds(p.Publish), Chat: p.Chat, Roster: p.Roster, Moderate: p.Moderate,
	}
	if !p.FactorAt.IsZero() {
		c.FactorAt = p.FactorAt.Unix()
	}
	return c
}
