package main

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"incamera/auth/apiclient"
	"incamera/auth/audit"
	"incamera/auth/store"
	"incamera/cmd/incamera/config"
	"incamera/signaling/session"
)

// This file is where what lasts (auth) meets what is live (signaling): each type is one seam of session.Options.

// rooms tells signaling what a room is.
type rooms struct {
	store *store.Store
	limit int
	now   func() time.Time
}

func (r rooms) Facts(ctx context.Context, id string) (session.Facts, error) {
	m, err := r.store.Rooms.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return session.Facts{}, session.ErrNoRoom
	}
	return session.Facts{Title: m.Title, Class: m.Class, E2EE: m.E2EE, Max: r.limit, AnyoneStarts: true}, err
}

func (r rooms) Started(ctx context.Context, room, meeting string) error {
	m, err := r.store.Rooms.Get(ctx, room)
	if err != nil {
		return err
	}
	return r.store.Meetings.Start(ctx, store.Meeting{ID: meeting, Room: room, Title: m.Title, StartedAt: r.now()})
}

// bans keeps them beyond the meeting.
type bans struct {
	store *store.Store
	now   func() time.Time
}

func (b bans) Banned(ctx context.Context, room, subject string) (bool, error) {
	return b.store.Bans.Has(ctx, room, subject)
}

func (b bans) Ban(ctx context.Context, room, subject, by string) error {
	return b.store.Bans.Add(ctx, store.Ban{Room: room, Subject: subject, Actor: by, CreatedAt: b.now()})
}

// origins says which pages may speak to this server: its own, and those of registered API clients, the latter only
// with their own client's tokens.
type origins struct {
	own   string
	store *store.Store
}

func newOrigins(h config.HTTP, s *store.Store) origins {
	u, _ := url.Parse(h.PublicURL) // validated
	return origins{own: u.Scheme + "://" + strings.ToLower(u.Host), store: s}
}

// clientTimeout bounds the look at the registered clients during an upgrade.
const clientTimeout = 2 * time.Second

func (o origins) Upgrade(origin, _ string) bool {
	if origin == o.own || origin == "" {
		return true // without an Origin it is no browser; Client decides what it may use
	}
	ctx, cancel := context.WithTimeout(context.Background(), clientTimeout)
	defer cancel()
	list, err := o.store.Clients.List(ctx)
	if err != nil {
		return false
	}
	for _, c := range list {
		if toClient(c).AllowsOrigin(origin) {
			return true
		}
	}
	return false
}

func (o origins) Client(ctx context.Context, id, origin string) bool {
	if id == "" {
		return origin == o.own // people's own tokens are for people's own page
	}
	c, err := o.store.Clients.Get(ctx, id)
	if err != nil {
		return false
	}
	client := toClient(c)
	return !client.Disabled && (origin == "" || origin == o.own || client.AllowsOrigin(origin))
}

func toClient(c store.Client) apiclient.Client {
	return apiclient.Client{ID: c.ID, Name: c.Name, Key: c.JWK, Origins: c.Origins, Disabled: !c.DisabledAt.IsZero()}
}

// clients finds registered API clients for assertions.
type clients struct{ store *store.Store }

func (c clients) Client(ctx context.Context, id string) (apiclient.Client, error) {
	found, err := c.store.Clients.Get(ctx, id)
	return toClient(found), err
}

// acts puts what happens in meetings on record.
type acts struct{ log *audit.Log }

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
	return a.log.Append(ctx, audit.Event{
		Actor: act.Subject, Verb: act.Action, Object: act.Room, Result: "ok", Address: act.Addr, Meta: meta,
	})
}
