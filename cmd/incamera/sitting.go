package main

import (
	"context"
	"errors"

	"incamera/auth/apiclient"
	"incamera/auth/issue"
	"incamera/auth/policy"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/token"
	"incamera/signaling/session"
)

// demands adds what the room itself asks of somebody who sits in it: the stricter word counts.
func (v review) demands(ctx context.Context, r *session.Reviewed, m store.Room, s session.Sitting, logins map[string]store.Login, trusted map[string]bool) error {
	if m.ID == "" {
		return nil // the room is gone: its meeting ends
	}
	issuer := v.people.issuer
	rules := issuer.Classes().Of(m)
	r.Watermark, r.Recording = rules.Watermark, rules.Recording
	who := issue.Sitter{
		Assurance: token.Assurance(r.Facts.Assurance), FactorAt: r.Facts.At.Add(-r.Facts.FactorAge), EnteredAt: s.EnteredAt,
		Own: s.Own, Client: s.Person.Client != "", Publishes: len(s.Person.Publish) > 0,
	}
	if rules.Portals == roomclass.PortalsTrusted && who.Client && !who.Own {
		var err error
		if who.Trusted, err = v.trusts(ctx, s.Person.Client, trusted); err != nil {
			return err
		}
	}
	d := issuer.Sits(m, who)
	// A passkey that was given before a code counts where one is asked for, as at the door.
	if l, ok := logins[s.Person.Login]; ok && d.Outcome == policy.StepUp && !l.ResistantAt.IsZero() {
		who.Assurance, who.FactorAt = token.AssurancePhishingResistant, l.ResistantAt
		if again := issuer.Sits(m, who); again.Outcome == policy.Allow {
			d = again
		}
	}
	r.Decision = issue.Stricter(r.Decision, d)
	return nil
}

func (v review) trusts(ctx context.Context, client string, known map[string]bool) (bool, error) {
	if is, ok := known[client]; ok {
		return is, nil
	}
	c, err := v.people.registry.Client(ctx, client)
	if err != nil && !errors.Is(err, apiclient.ErrNotFound) {
		return false, err
	}
	known[client] = err == nil && c.Trusted && !c.Disabled
	return known[client], nil
}
