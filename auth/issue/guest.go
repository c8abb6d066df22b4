package issue

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"incamera/auth/guest"
	"incamera/auth/policy"
	"incamera/auth/store"
	"incamera/auth/token"
)

// GuestLinkRequest asks for a link by which guests come.
type GuestLinkRequest struct {
	Login   string // handle of the web session
	Room    string
	Label   string
	Mode    guest.Mode
	Mail    string
	Life    time.Duration
	MaxUses int
	Address netip.Addr
}

// IssuedGuestLink is a new link with its secret, which is shown once.
type IssuedGuestLink struct {
	guest.Link
	Secret string
}

// GuestLink makes a link for guests, for a host of the room with a fresh second factor. By the link alone nobody gets
// further than the door.
func (i *Issuer) GuestLink(ctx context.Context, q GuestLinkRequest) (out IssuedGuestLink, err error) {
	a := &attempt{path: pathLobby, actor: "unknown", address: q.Address, meta: map[string]string{}}
	_, err = i.enter(ctx, a, q.Room, func() (Issued, error) { return Issued{}, i.mayInvite(ctx, a, q.Login) })
	if err == nil {
		out.Link, out.Secret, err = i.o.Guests.Issue(ctx, guest.Request{
			Room: q.Room, Owner: a.actor, Label: q.Label, Mode: q.Mode, Mail: q.Mail, Life: q.Life, MaxUses: q.MaxUses,
		})
	}
	switch {
	case errors.Is(err, guest.ErrInvalid):
		err = refuse(CodeInvalid, "label, code, mail address, lifetime or number of people")
	case errors.Is(err, guest.ErrTooMany):
		err = refuse(CodeLimit, "the room has as many links for guests as it may have")
	case err != nil && CodeOf(err) == "":
		err = wrap(CodeUnavailable, err)
	}
	a.meta["link"], a.meta["code"] = out.ID, string(out.Mode)
	if rec := i.record(ctx, a, "guest.invite", q.Room, err); rec != nil && err == nil {
		// What is not on record is not handed out; the link that nobody has seen ends here.
		_, end := i.o.Guests.Revoke(ctx, q.Room, out.ID)
		return IssuedGuestLink{}, wrap(CodeUnavailable, errors.Join(rec, end))
	}
	if err != nil {
		return IssuedGuestLink{}, err
	}
	return out, nil
}

func (i *Issuer) mayInvite(ctx context.Context, a *attempt, login string) error {
	s, err := i.session(ctx, a.room, login)
	if err != nil {
		return err
	}
	a.actor = UserSubject(s.User.ID)
	p, member, err := i.account(ctx, a, s)
	if err != nil {
		return err
	}
	if !p.Role.May(token.ActAdmit) {
		return refuse(CodeForbidden, "only hosts of the room invite guests")
	}
	if !a.rules.Guests {
		return refuse(CodeForbidden, "this room takes no guests")
	}
	return i.decide(ctx, a, policy.Request{
		Subject: p.Subject, Role: s.User.Role, Assurance: string(p.Assurance), FactorAge: i.age(s.at), Member: member,
	}, machine{since: s.CreatedAt}, nil)
}

// Invited finds what a link for guests leads to, and how it stands; visit is the secret of somebody who was there before.
func (i *Issuer) Invited(ctx context.Context, secret, visit string) (guest.Link, store.Room, error) {
	link, _, room, err := i.invited(ctx, secret, visit)
	return link, room, err
}

func (i *Issuer) invited(ctx context.Context, secret, visit string) (guest.Link, guest.Visit, store.Room, error) {
	link, v, err := i.o.Guests.Find(ctx, secret, visit)
	if err != nil {
		return link, v, store.Room{}, guestError(err)
	}
	room, err := i.o.Store.Rooms.Get(ctx, link.Room)
	if errors.Is(err, store.ErrNotFound) || err == nil && !i.o.Classes.Of(room).Guests {
		return guest.Link{}, guest.Visit{}, store.Room{}, refuse(CodeGuestLink, "")
	}
	if err != nil {
		return link, v, room, wrap(CodeUnavailable, err)
	}
	return link, v, room, nil
}

func guestError(err error) error {
	switch {
	case errors.Is(err, guest.ErrUnknown):
		return refuse(CodeGuestLink, "")
	case errors.Is(err, guest.ErrCode):
		return refuse(CodeGuestCode, "")
	}
	return wrap(CodeUnavailable, err)
}

// InvitedRequest asks to wait at the door that a link leads to.
type InvitedRequest struct {
	Secret  string
	Visit   string // secret of an earlier visit by the same link; empty: somebody new
	Code    string // for somebody new, where the link asks for one
	Name    string // shown to the hosts, as unverified
	Key     string
	Address netip.Addr
}

// InvitedPass is a lobby pass with what its bearer comes again with.
type InvitedPass struct {
	Issued
	Room  string
	Visit string
}

// InvitedPass issues a lobby pass to who comes by a link. It admits to nothing: a host does, and until then the link has
// to hold.
func (i *Issuer) InvitedPass(ctx context.Context, q InvitedRequest) (out InvitedPass, err error) {
	if !token.ValidThumbprint(q.Key) || !token.ValidName(q.Name) {
		return out, refuse(CodeInvalid, "key or name")
	}
	a := &attempt{path: pathInvited, actor: "guest", address: q.Address, meta: map[string]string{}}
	link, v, _, err := i.invited(ctx, q.Secret, q.Visit)
	if err != nil {
		i.issued.WithLabelValues(a.path, string(CodeOf(err))).Inc()
		a.meta["path"] = a.path
		return out, errors.Join(err, i.record(ctx, a, "lobby.pass", "", err))
	}
	a.meta["link"] = link.ID
	out.Room = link.Room
	out.Issued, err = i.run(ctx, a, link.Room, func() (Issued, error) {
		if v.ID == "" {
			if v, err = i.newVisit(ctx, link, q.Code); err != nil {
				return Issued{}, guestError(err)
			}
		}
		out.Visit = v.Secret
		pass := token.LobbyPass{
			Room: a.room.ID, Waiter: token.NewID("w_"), Subject: guest.Subject(v.ID), Name: q.Name, Assurance: token.AssuranceGuest, Key: q.Key,
		}
		a.actor = pass.Subject
		if err := i.banned(ctx, a.room.ID, pass.Subject); err != nil {
			return Issued{}, err
		}
		return i.pass(pass)
	})
	if err != nil {
		return InvitedPass{}, err
	}
	return out, nil
}

func (i *Issuer) newVisit(ctx context.Context, link guest.Link, code string) (guest.Visit, error) {
	if link.Mode != guest.Plain {
		if err := i.o.Guests.TakeCode(ctx, link, code); err != nil {
			return guest.Visit{}, err
		}
	}
	return i.o.Guests.Enter(ctx, link)
}

// stillInvited refuses who came by a link that is over.
func (i *Issuer) stillInvited(ctx context.Context, subject string) error {
	visit, ok := guest.VisitOf(subject)
	if !ok {
		return nil
	}
	alive, err := i.o.Guests.Alive(ctx, visit)
	if err != nil {
		return wrap(CodeUnavailable, err)
	}
	if !alive {
		return refuse(CodeGuestLink, "")
	}
	return nil
}

// InvitedOnly says whether guests come to a room by links of its hosts alone, and not by its address.
func (i *Issuer) InvitedOnly(room store.Room) bool {
	return i.o.InvitedOnly != nil && i.o.InvitedOnly(room)
}
