package issue

import (
	"context"
	"errors"

	"incamera/auth/store"
	"incamera/auth/token"
)

// MaySponsor says whether a host could let somebody into their room now; ForGuest asks the same again. Nothing is
// issued and nothing recorded.
func (i *Issuer) MaySponsor(ctx context.Context, h Host) error {
	room, err := i.o.Store.Rooms.Get(ctx, h.Room)
	if errors.Is(err, store.ErrNotFound) {
		return refuse(CodeNotFound, "")
	}
	if err != nil {
		return wrap(CodeUnavailable, err)
	}
	return i.sponsor(ctx, &attempt{path: pathGuest, actor: h.Person.Subject, room: room}, h)
}

// sponsor demands that the host may admit people to this room, now.
func (i *Issuer) sponsor(ctx context.Context, a *attempt, h Host) error {
	p := h.Person
	if !p.Moderate || !p.Role.May(token.ActAdmit) || p.Assurance != token.AssuranceMFA && p.Assurance != token.AssurancePhishingResistant {
		return refuse(CodeForbidden, "only hosts admit")
	}
	if err := i.banned(ctx, a.room.ID, p.Subject); err != nil {
		return err
	}
	switch {
	case p.Login != "":
		s, err := i.session(ctx, a.room, p.Login)
		if err != nil {
			return err
		}
		if UserSubject(s.User.ID) != p.Subject {
			return refuse(CodeUnauthorized, "")
		}
	case p.Client != "":
		c, err := i.client(ctx, p.Client)
		if err != nil {
			return err
		}
		if a.room.Owner != ClientSubject(c.ID) {
			return refuse(CodeForbidden, "not a room of this client")
		}
		// The factor was fresh when they entered, and again when they were asked for it since.
		given := h.EnteredAt
		if p.FactorAt.After(given) {
			given = p.FactorAt
		}
		need, age := i.need(a.room), i.age(given)
		if given.IsZero() || age > need.MaxAge || age < -token.Skew || need.Assurance == token.AssurancePhishingResistant && p.Assurance != need.Assurance {
			return demand(need, "")
		}
	default:
		return refuse(CodeUnauthorized, "")
	}
	return nil
}
