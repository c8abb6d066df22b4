package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"incamera/auth/facts"
	"incamera/auth/issue"
	"incamera/auth/policy"
	"incamera/auth/store"
	"incamera/auth/token"
	"incamera/signaling/session"
)

var errNoPolicy = errors.New("the policy that counts cannot be evaluated here")

// review asks the policy about people who sit, many at once: one query for each kind of fact, whatever their number.
type review struct{ people *people }

func (v review) Review(ctx context.Context, list []session.Sitting) ([]session.Reviewed, error) {
	p := v.people
	engine := p.policy.Engine()
	if engine == nil {
		return nil, errNoPolicy // nobody comes in; those who sit stay as they are
	}
	now := time.Now()
	needs := engine.Needs()
	logins, users, err := v.accounts(ctx, list, now)
	if err != nil {
		return nil, err
	}
	out, who := make([]session.Reviewed, len(list)), make([]facts.Who, 0, len(list))
	rooms, trusted := map[string]store.Room{}, map[string]bool{}
	for i, s := range list {
		r := &out[i].Facts
		*r = policy.Request{
			Subject: s.Person.Subject, Role: "guest", Assurance: string(s.Person.Assurance), Client: s.Person.Client, InCall: true,
			Room: s.Room, At: now, Address: s.Address, Media: s.Media,
		}
		if err := v.room(ctx, rooms, s, r, needs.Standing); err != nil {
			return nil, err
		}
		since := s.EnteredAt
		switch l, ok := logins[s.Person.Login]; {
		case s.Person.Login != "" && ok:
			r.Role, since = users[l.User].Role, l.CreatedAt
		case s.Person.Client != "":
			r.Role = "user"
		case s.Person.Assurance == token.AssuranceStreamKey:
			r.Role, r.Member = "stream", true
		}
		if r.FactorAge = now.Sub(s.Person.FactorAt); s.Person.FactorAt.IsZero() {
			r.FactorAge = now.Sub(s.EnteredAt)
		}
		who = append(who, facts.Who{Request: r, Key: s.Key, Certificate: s.Certified, Since: since})
	}
	if err := p.facts.Fill(ctx, needs, who); err != nil {
		return nil, err
	}
	for i, s := range list {
		if s.Person.Login != "" {
			l, ok := logins[s.Person.Login]
			if !ok {
				continue // the sign-in is over: whoever asks after presence ends the seat
			}
			out[i].Decision, out[i].Facts = best(ctx, engine, out[i].Facts, l, now)
		} else {
			out[i].Decision = engine.Decide(ctx, out[i].Facts)
		}
		if err := v.demands(ctx, &out[i], rooms[s.Room], s, logins, trusted); err != nil {
			return nil, err
		}
		if d := &out[i].Decision; d.Outcome == policy.StepUp {
			if d.Need, err = p.issuer.Need(ctx, s.Room, d.Need); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// best decides by the factor given last, and where that is not enough by a passkey that was given before it.
func best(ctx context.Context, e *policy.Engine, r policy.Request, l store.Login, now time.Time) (policy.Decision, policy.Request) {
	r.Assurance, r.FactorAge = string(token.AssuranceMFA), now.Sub(l.MFAAt)
	passkey := r
	passkey.Assurance, passkey.FactorAge = string(token.AssurancePhishingResistant), now.Sub(l.ResistantAt)
	if !l.ResistantAt.IsZero() && !l.ResistantAt.Before(l.MFAAt) {
		return e.Decide(ctx, passkey), passkey
	}
	d := e.Decide(ctx, r)
	if d.Outcome == policy.Allow || l.ResistantAt.IsZero() {
		return d, r
	}
	if other := e.Decide(ctx, passkey); other.Outcome == policy.Allow {
		return other, passkey
	}
	return d, r
}

// accounts are the open sign-ins of those who sit, and whose they are.
func (v review) accounts(ctx context.Context, list []session.Sitting, now time.Time) (map[string]store.Login, map[string]store.User, error) {
	var ids, owners []string
	for _, s := range list {
		if s.Person.Login != "" {
			ids = append(ids, s.Person.Login)
		}
	}
	logins, users := map[string]store.Login{}, map[string]store.User{}
	found, err := v.people.store.Logins.Open(ctx, ids, now)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range found {
		logins[l.ID] = l
		owners = append(owners, l.User)
	}
	some, err := v.people.store.Users.Some(ctx, owners)
	for _, u := range some {
		users[u.ID] = u
	}
	return logins, users, err
}

// room fills in what the room says; membership is asked for only where a rule uses it.
func (v review) room(ctx context.Context, rooms map[string]store.Room, s session.Sitting, r *policy.Request, standing bool) error {
	m, ok := rooms[s.Room]
	if !ok {
		var err error
		if m, err = v.people.store.Rooms.Get(ctx, s.Room); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		rooms[s.Room] = m
	}
	r.RoomClass = m.Class
	if !standing {
		return nil
	}
	r.Owner = m.Owner == r.Subject
	if r.Member = r.Owner || s.Person.Client != ""; r.Member {
		return nil
	}
	_, err := v.people.store.Members.Get(ctx, s.Room, r.Subject)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	r.Member = err == nil
	return err
}

func (v review) Note(ctx context.Context, r session.Reviewed) error {
	return v.people.policy.Record(ctx, r.Facts, r.Decision)
}

// entrance asks the policy when somebody joins, with what only the socket knows, and remembers device and network.
type entrance struct{ people *people }

var errDenied = errors.New("denied by the policy")

func (e entrance) Enter(ctx context.Context, x session.Entrance) error {
	now := time.Now()
	found, err := review{e.people}.Review(ctx, []session.Sitting{{
		Room: x.Room, Person: x.Person, Key: x.Key, Certified: x.Certified, Address: x.Addr, EnteredAt: now,
		Own: true, // where people may come from was asked before, and refused in its own word
	}})
	if err != nil {
		return err
	}
	if found[0].Decision.Outcome == policy.Deny {
		return errDenied
	}
	if a := x.Person.Assurance; (a == token.AssuranceMFA || a == token.AssurancePhishingResistant) && !strings.HasPrefix(x.Person.Subject, issue.GuestSubject("")) {
		return e.people.facts.Entered(ctx, x.Person.Subject, x.Key, x.Addr, now)
	}
	return nil
}
