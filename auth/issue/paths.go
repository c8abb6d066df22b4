package issue

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"incamera/auth/apiclient"
	"incamera/auth/policy"
	"incamera/auth/roomclass"
	"incamera/auth/token"
)

// UserRequest asks for a room token by a web session.
type UserRequest struct {
	Login   string // handle of the web session (login.Session.ID), from its cookie
	Room    string
	Key     string // thumbprint of the client's key
	Address netip.Addr
	// Certificate: the request came over TLS with a client certificate that was verified.
	Certificate bool
}

// ForUser issues a room token to a person with an account and a fresh second factor. The owner hosts, members have
// their role, every other account is a participant, or waits in the lobby where the room's class says so.
func (i *Issuer) ForUser(ctx context.Context, q UserRequest) (Issued, error) {
	a := &attempt{path: pathUser, actor: "unknown", address: q.Address, meta: map[string]string{}}
	return i.run(ctx, a, q.Room, func() (Issued, error) {
		s, err := i.session(ctx, a.room, q.Login)
		if err != nil {
			return Issued{}, err
		}
		a.actor = UserSubject(s.User.ID)
		p, member, err := i.account(ctx, a, s)
		if err != nil {
			return Issued{}, err
		}
		if !member && a.rules.Lobby == roomclass.LobbyAlways {
			return Issued{}, refuse(CodeLobbyRequired, "")
		}
		err = i.decide(ctx, a, policy.Request{
			Subject: p.Subject, Role: s.User.Role, Assurance: string(p.Assurance), FactorAge: i.age(s.at), Member: member,
		}, machine{q.Key, q.Certificate, s.CreatedAt}, &p)
		if err != nil {
			return Issued{}, err
		}
		return i.mint(a.room, p, q.Key)
	})
}

// account is who an account's person is in the room, unless banned.
func (i *Issuer) account(ctx context.Context, a *attempt, s proven) (token.Person, bool, error) {
	p := token.Person{Subject: UserSubject(s.User.ID), Name: s.User.Name, Assurance: s.class, Login: s.ID}
	if err := i.banned(ctx, a.room.ID, p.Subject); err != nil {
		return p, false, err
	}
	role, member, err := i.standing(ctx, a.room, p.Subject)
	p.Role = role
	rights(&p, a.room)
	return p, member, err
}

// ClientRequest asks for a room token for one of an API client's own people.
type ClientRequest struct {
	Client   string // id, from a verified assertion
	UserID   string // the client's own id of the person
	Name     string
	Role     token.Role // participant when empty
	Evidence apiclient.Evidence
	Room     string
	Key      string
	Address  netip.Addr
}

// ForClient issues a room token to a person for whom an API client vouches, second factor included, in a room the
// client owns.
func (i *Issuer) ForClient(ctx context.Context, q ClientRequest) (Issued, error) {
	a := &attempt{path: pathClient, actor: ClientSubject(q.Client), address: q.Address, meta: map[string]string{}}
	return i.run(ctx, a, q.Room, func() (Issued, error) {
		c, err := i.client(ctx, q.Client)
		if err != nil {
			return Issued{}, err
		}
		if !c.Has(apiclient.ScopeTokens) || a.room.Owner != ClientSubject(c.ID) {
			return Issued{}, refuse(CodeForbidden, "not a room of this client")
		}
		need := i.need(a.room)
		resistant, err := q.Evidence.Factor(i.o.Now(), need.MaxAge)
		if err != nil || need.Assurance == token.AssurancePhishingResistant && !resistant {
			return Issued{}, demand(need, "")
		}
		if q.Role == "" {
			q.Role = token.RoleParticipant
		}
		p := token.Person{Subject: ClientSubject(c.ID) + ":" + q.UserID, Name: q.Name, Role: q.Role, Assurance: token.AssuranceMFA, Client: c.ID}
		if resistant {
			p.Assurance = token.AssurancePhishingResistant
		}
		if q.UserID == "" || !token.ValidSubject(p.Subject) || !token.ValidName(p.Name) || !p.Role.Valid() {
			return Issued{}, refuse(CodeInvalid, "user id, name or role")
		}
		rights(&p, a.room)
		if err := i.banned(ctx, a.room.ID, p.Subject); err != nil {
			return Issued{}, err
		}
		err = i.decide(ctx, a, policy.Request{
			Subject: p.Subject, Role: "user", Assurance: string(p.Assurance), FactorAge: i.age(q.Evidence.AuthTime), Member: true, Client: c.ID,
		}, machine{key: q.Key}, &p)
		if err != nil {
			return Issued{}, err
		}
		return i.mint(a.room, p, q.Key)
	})
}

// LobbyRequest asks to wait at a room's door.
type LobbyRequest struct {
	Room    string
	Name    string // shown to the hosts, as unverified; ignored with a Login
	Login   string // handle of a web session; empty for a guest
	Key     string
	Address netip.Addr
}

// LobbyPass issues a pass to wait, be seen and leave. A guest needs a room that takes guests; a person with an account
// is shown as verified and so needs a fresh second factor. The pass admits to nothing.
func (i *Issuer) LobbyPass(ctx context.Context, q LobbyRequest) (Issued, error) {
	a := &attempt{path: pathLobby, actor: "guest", address: q.Address, meta: map[string]string{}}
	return i.run(ctx, a, q.Room, func() (Issued, error) {
		if !token.ValidThumbprint(q.Key) {
			return Issued{}, refuse(CodeInvalid, "key")
		}
		if a.rules.Lobby == roomclass.LobbyNever {
			return Issued{}, refuse(CodeForbidden, "nobody waits at the door of this room")
		}
		pass := token.LobbyPass{
			Room: a.room.ID, Waiter: token.NewID("w_"), Subject: GuestSubject(q.Key), Name: q.Name, Assurance: token.AssuranceGuest, Key: q.Key,
		}
		if q.Login != "" {
			s, err := i.session(ctx, a.room, q.Login)
			if err != nil {
				return Issued{}, err
			}
			pass.Subject, pass.Name, pass.Assurance, pass.Login = UserSubject(s.User.ID), s.User.Name, s.class, s.ID
		} else if !a.rules.Guests {
			return Issued{}, refuse(CodeForbidden, "this room takes no guests")
		} else if i.InvitedOnly(a.room) {
			return Issued{}, refuse(CodeInvitation, "")
		}
		a.actor = pass.Subject
		if err := i.banned(ctx, a.room.ID, pass.Subject); err != nil {
			return Issued{}, err
		}
		return i.pass(pass)
	})
}

// pass signs a lobby pass.
func (i *Issuer) pass(pass token.LobbyPass) (Issued, error) {
	now := i.o.Now()
	pass.IssuedAt, pass.ExpiresAt = now, time.Unix(now.Unix(), 0).Add(token.DefaultLobbyLife)
	jws, err := i.o.Minter.MintLobby(pass)
	if token.CodeOf(err) == token.CodeClaims {
		return Issued{}, refuse(CodeInvalid, "name")
	}
	if err != nil {
		return Issued{}, wrap(CodeUnavailable, err)
	}
	return Issued{Token: jws, ID: pass.Waiter, Person: token.Person{Subject: pass.Subject, Name: pass.Name, Assurance: pass.Assurance, Login: pass.Login}, ExpiresAt: pass.ExpiresAt}, nil
}

// Host is the evidence for the person who admits: who they are in the meeting, as their own verified room token or
// resume ticket says, and when they entered.
type Host struct {
	Room      string
	Person    token.Person
	EnteredAt time.Time // when their room token was issued; needed for people of API clients
}

// GuestRequest asks for the room token of somebody whom a host admits from the lobby.
type GuestRequest struct {
	Host    Host
	Pass    string // the waiter's own lobby pass, as signed
	Address netip.Addr
}

// ForGuest issues the room token of a waiter whom a host admits. The host's second factor must be fresh now: with an
// account the session is read anew, with an API client the client and the time of entering count. A waiting person
// with an account needs their own fresh second factor as well.
func (i *Issuer) ForGuest(ctx context.Context, q GuestRequest) (Issued, error) {
	a := &attempt{path: pathGuest, actor: q.Host.Person.Subject, address: q.Address, meta: map[string]string{}}
	return i.run(ctx, a, q.Host.Room, func() (Issued, error) {
		pass, err := i.o.Verifier.Lobby(q.Pass)
		if err != nil {
			return Issued{}, wrap(CodeUnauthorized, err)
		}
		if pass.Room != a.room.ID {
			return Issued{}, refuse(CodeForbidden, "a pass for another room")
		}
		if err := i.sponsor(ctx, a, q.Host); err != nil {
			return Issued{}, err
		}
		p := token.Person{
			Subject: pass.Subject, Name: pass.Name, Role: token.RoleParticipant, Assurance: token.AssuranceGuest, Sponsor: q.Host.Person.Subject,
		}
		ask := policy.Request{Subject: p.Subject, Role: "guest", Assurance: string(p.Assurance)}
		from := machine{key: pass.Key}
		rights(&p, a.room)
		if pass.Login != "" {
			s, err := i.session(ctx, a.room, pass.Login)
			if err != nil {
				return Issued{}, err
			}
			if UserSubject(s.User.ID) != pass.Subject {
				return Issued{}, refuse(CodeUnauthorized, "")
			}
			if p, ask.Member, err = i.account(ctx, a, s); err != nil {
				return Issued{}, err
			}
			p.Sponsor, from.since = q.Host.Person.Subject, s.CreatedAt
			ask.Role, ask.Assurance, ask.FactorAge = s.User.Role, string(p.Assurance), i.age(s.at)
		} else if pass.Assurance != token.AssuranceGuest {
			return Issued{}, refuse(CodeUnauthorized, "") // verified by nobody we can ask
		} else if !a.rules.Guests {
			return Issued{}, refuse(CodeForbidden, "this room takes no guests")
		} else if err := i.stillInvited(ctx, pass.Subject); err != nil {
			return Issued{}, err
		}
		if err := i.banned(ctx, a.room.ID, p.Subject); err != nil {
			return Issued{}, err
		}
		if err := i.decide(ctx, a, ask, from, &p); err != nil {
			return Issued{}, err
		}
		return i.mint(a.room, p, pass.Key)
	})
}

func (i *Issuer) client(ctx context.Context, id string) (apiclient.Client, error) {
	c, err := i.o.Clients.Client(ctx, id)
	if errors.Is(err, apiclient.ErrNotFound) || err == nil && c.Disabled {
		return c, refuse(CodeUnauthorized, "")
	}
	if err != nil {
		return c, wrap(CodeUnavailable, err)
	}
	return c, nil
}

func (i *Issuer) age(at time.Time) time.Duration { return i.o.Now().Sub(at) }

// Subjects name people everywhere: in tokens, bans, ownership and the record.

// UserSubject is the subject of an account.
func UserSubject(userID string) string { return "u:" + userID }

// ClientSubject is the subject of an API client; its people are ClientSubject + ":" + their id.
func ClientSubject(clientID string) string { return "c:" + clientID }

// GuestSubject is the subject of a guest who came by the room's address: the same key is the same guest, so a ban holds
// while the key does. Who came by a link for guests is guest.Subject.
func GuestSubject(key string) string { return "g:" + key }
