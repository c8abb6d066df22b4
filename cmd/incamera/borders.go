package main

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"incamera/auth/apiclient"
	"incamera/auth/audit"
	"incamera/auth/guest"
	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/store"
	"incamera/auth/token"
	"incamera/cmd/incamera/config"
	"incamera/signaling/session"
)

// This file is where what lasts (auth) meets what is live (signaling): each type is one seam of session.Options.

// bans keeps them beyond the meeting.
type bans struct {
	store  *store.Store
	guests guest.Links
	now    func() time.Time
}

func (b bans) Banned(ctx context.Context, room, subject string) (bool, error) {
	return b.store.Bans.Has(ctx, room, subject)
}

func (b bans) Ban(ctx context.Context, room, subject, by string) error {
	err := b.store.Bans.Add(ctx, store.Ban{Room: room, Subject: subject, Actor: by, CreatedAt: b.now()})
	return errors.Join(err, b.guests.Removed(ctx, room, token.ParticipantID(room, subject)))
}

// origins says which pages may speak to this server: its own, and those of registered API clients, the latter only
// with their own client's tokens.
type origins struct {
	own     string
	clients apiclient.Registry
}

func newOrigins(h config.HTTP, clients apiclient.Registry) origins {
	u, _ := url.Parse(h.PublicURL) // validated
	return origins{own: u.Scheme + "://" + strings.ToLower(u.Host), clients: clients}
}

// clientTimeout bounds the look at the registered clients during an upgrade.
const clientTimeout = 2 * time.Second

func (o origins) Upgrade(origin, _ string) bool {
	if origin == o.own || origin == "" {
		return true // without an Origin it is no browser; Client decides what it may use
	}
	ctx, cancel := context.WithTimeout(context.Background(), clientTimeout)
	defer cancel()
	list, err := o.clients.List(ctx)
	return err == nil && slices.ContainsFunc(list, func(c apiclient.Client) bool { return c.AllowsOrigin(origin) })
}

func (o origins) Own(origin string) bool { return origin == o.own }

func (o origins) Trusted(ctx context.Context, id string) bool {
	c, err := o.clients.Client(ctx, id)
	return err == nil && c.Trusted && !c.Disabled
}

func (o origins) Client(ctx context.Context, id, origin string) bool {
	if id == "" {
		return origin == o.own // people's own tokens are for people's own page
	}
	c, err := o.clients.Client(ctx, id)
	return err == nil && !c.Disabled && (origin == "" || origin == o.own || c.AllowsOrigin(origin))
}

// acts puts what happens in meetings on record. Who is removed does not come again as somebody new by the same link.
type acts struct {
	log    *audit.Log
	guests guest.Links
}

func (a acts) Write(ctx context.Context, act session.Act) error {
	meta := map[string]string{}
	for k, v := range act.Detail {
		meta[k] = v
	}
	for k, v := range map[string]string{"meeting": act.Meeting, "by": act.By, "target": act.Target} {
		if v != "" {
			meta[k] = v
		}
	}
	err := a.log.Append(ctx, audit.Event{
		Actor: act.Subject, Verb: act.Action, Object: act.Room, Result: "ok", Address: act.Addr, Meta: meta,
	})
	if err == nil && act.Action == "moderation.remove" {
		err = a.guests.Removed(ctx, act.Room, act.Target)
	}
	return err
}

// presence asks after people who sit in meetings: their web session, the API client that vouched for them, or a
// program's stream key. A guest stays as long
// as the meeting lets them, and waits as long as the link holds by which they came.
type presence struct{ people *people }

func (p presence) Keep(ctx context.Context, who token.Person) error {
	var err error
	switch {
	case who.Assurance == token.AssuranceStreamKey:
		id, _ := strings.CutPrefix(who.Subject, issue.StreamSubject(""))
		alive, err := p.people.streams.Alive(ctx, id)
		if err == nil && !alive {
			return session.ErrRevoked
		}
		return err
	case who.Assurance == token.AssuranceGuest && who.Sponsor == "": // waits: by a link that has to hold
		visit, invited := guest.VisitOf(who.Subject)
		if !invited {
			return nil
		}
		alive, err := p.people.guests.Alive(ctx, visit)
		if err == nil && !alive {
			return session.ErrRevoked
		}
		return err
	case who.Login != "":
		err = p.people.sessions.Keep(ctx, who.Login)
		if errors.Is(err, login.ErrNoSession) {
			return session.ErrRevoked
		}
	case who.Client != "":
		var c apiclient.Client
		c, err = p.people.registry.Client(ctx, who.Client)
		if errors.Is(err, apiclient.ErrNotFound) || err == nil && c.Disabled {
			return session.ErrRevoked
		}
	}
	return err
}
