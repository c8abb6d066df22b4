package issue

import (
	"context"
	"slices"
	"time"

	"incamera/auth/facts"
	"incamera/auth/login"
	"incamera/auth/policy"
	"incamera/auth/token"
)

// client is the machine that a request comes from.
type machine struct {
	key         string // thumbprint; claimed, but what is given out is bound to it
	certificate bool
	since       time.Time // when the person's sign-in began; zero: now
}

// decide asks the policy; restricted persons get fewer rights.
func (i *Issuer) decide(ctx context.Context, a *attempt, r policy.Request, m machine, p *token.Person) error {
	r.Room, r.RoomClass, r.Owner, r.Address, r.At = a.room.ID, a.room.Class, a.room.Owner == r.Subject, a.address, i.o.Now()
	if m.since.IsZero() {
		m.since = r.At
	}
	if i.o.Facts != nil {
		err := i.o.Facts.Fill(ctx, i.o.Policy.Needs(), []facts.Who{{Request: &r, Key: m.key, Certificate: m.certificate, Since: m.since}})
		if err != nil {
			return wrap(CodeUnavailable, err)
		}
	}
	d := i.o.Policy.Decide(ctx, r)
	a.meta["rule"] = d.Rule
	for k, v := range r.Meta() {
		a.meta[k] = v
	}
	if err := i.o.Policy.Record(ctx, r, d); err != nil {
		return wrap(CodeUnavailable, err)
	}
	if p != nil && p.Assurance != token.AssuranceGuest {
		p.FactorAt = r.At.Add(-r.FactorAge)
	}
	switch d.Outcome {
	case policy.Allow:
		return nil
	case policy.Restrict:
		if p != nil {
			restrict(p, d.Restrictions)
		}
		return nil
	case policy.StepUp:
		return demand(i.need(a.room).And(d.Need), d.Reason)
	}
	return refuse(CodeForbidden, d.Reason)
}

// restrict takes rights away.
func restrict(p *token.Person, list []policy.Restriction) {
	without := func(kinds ...token.Kind) {
		p.Publish = slices.DeleteFunc(slices.Clone(p.Publish), func(k token.Kind) bool { return slices.Contains(kinds, k) })
	}
	for _, r := range list {
		switch r {
		case policy.ListenOnly:
			p.Role, p.Publish, p.Moderate = token.RoleViewer, nil, false
		case policy.NoMic:
			without(token.Mic)
		case policy.NoCamera:
			without(token.Camera)
		case policy.NoScreen:
			without(token.Screen, token.ScreenAudio)
		case policy.NoChat:
			p.Chat = false
		case policy.NoModeration:
			p.Moderate = false
			if p.Role == token.RoleHost || p.Role == token.RoleCohost {
				p.Role = token.RolePresenter
			}
		}
	}
}

// Need is what a room asks of people's second factor, and a rule beside it.
func (i *Issuer) Need(ctx context.Context, room string, rule login.Requirement) (login.Requirement, error) {
	r, err := i.o.Store.Rooms.Get(ctx, room)
	return i.need(r).And(rule), err
}
