package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"incamera/auth/issue"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/signaling/session"
)

// rooms tells signaling what a room is.
type rooms struct {
	store  *store.Store
	issuer *issue.Issuer
	limit  int
	now    func() time.Time
}

func (r rooms) Facts(ctx context.Context, id string) (session.Facts, error) {
	m, err := r.store.Rooms.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return session.Facts{}, session.ErrNoRoom
	}
	rules := r.issuer.Classes().Of(m)
	return session.Facts{
		Title: m.Title, Class: m.Class, E2EE: m.E2EE, Max: r.limit, Screens: m.Screens, Listen: m.Listeners, AnyoneStarts: true, Locked: m.Locked,
		Watermark: rules.Watermark, Recording: rules.Recording, TrustedPages: rules.Portals == roomclass.PortalsTrusted,
		Unencrypted: r.issuer.Possible(rules) != nil,
	}, err
}

func (r rooms) Started(ctx context.Context, room, meeting string) error {
	m, err := r.store.Rooms.Get(ctx, room)
	if err != nil {
		return err
	}
	return r.store.Meetings.Start(ctx, store.Meeting{ID: meeting, Room: room, Title: m.Title, StartedAt: r.now()})
}

// Called is the name and the account; of a guest, who has none, the beginning of what bans name them by.
func (r rooms) Called(ctx context.Context, p token.Person) (string, error) {
	if id, ok := strings.CutPrefix(p.Subject, issue.UserSubject("")); ok {
		u, err := r.store.Users.Get(ctx, id)
		return u.Name + " · " + u.Login, err
	}
	if id, ok := strings.CutPrefix(p.Subject, issue.ClientSubject(p.Client)+":"); ok && p.Client != "" {
		return p.Name + " · " + id, nil
	}
	return p.Name + " · " + p.Subject[:min(len(p.Subject), 10)], nil
}

// changed tells a running meeting what its room is now, and has those inside judged by it at once. Other instances look
// by themselves within seconds.
func (s *signalingPart) changed(ctx context.Context, log *slog.Logger, before, after store.Room) {
	none := func(err error) bool {
		return err == nil || meeting.CodeOf(err) == meeting.CodeNotFound || meeting.CodeOf(err) == meeting.CodeEnded
	}
	if err := s.meetings.Rename(ctx, after.ID, meeting.Facts{Title: after.Title, Class: after.Class}); !none(err) {
		log.Warn("a running meeting was not told what its room is now", "room", after.ID, "error", err)
	}
	if before.Locked != after.Locked {
		if err := s.meetings.SetLocked(ctx, after.ID, meeting.ServerActor(), after.Locked); !none(err) {
			log.Warn("a running meeting was not locked or opened", "room", after.ID, "error", err)
		}
	}
	s.service.LookAgain()
}

// inside says whether anybody sits in a room's meeting.
func (s *signalingPart) inside(ctx context.Context, room string) (bool, error) {
	m, err := s.meetings.Snapshot(ctx, room)
	switch meeting.CodeOf(err) {
	case meeting.CodeNotFound, meeting.CodeEnded:
		return false, nil
	}
	return len(m.Participants) > 0, err
}
