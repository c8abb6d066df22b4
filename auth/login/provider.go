package login

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"incamera/auth/store"
)

// Evidence is what a provider showed of a second factor, verified. Zero: nothing.
type Evidence struct {
	Methods   []string  // amr, as the provider spells it
	At        time.Time // when the person proved themselves (auth_time)
	Resistant bool      // by a factor that no other site can ask for
}

// errEvidence means that a caller gave evidence of another time than the past.
var errEvidence = errors.New("login: evidence from the future")

// evidenceSkew is how far a provider's clock may be ahead.
const evidenceSkew = time.Minute

// BeginElsewhere makes the session of a person whom a provider sent: full with evidence of a second factor, pending
// without. Only package oidc's answer may lead here.
func (s *Sessions) BeginElsewhere(ctx context.Context, user store.User, from store.Origin, e Evidence, address netip.Addr, agent string) (cookie string, _ Session, err error) {
	now := s.o.Now()
	l := store.Login{
		State: string(Pending), AMR: []string{"fed"}, CreatedAt: now, ExpiresAt: now.Add(s.o.PendingLife), Address: address.String(), Agent: agent, Provider: from,
	}
	if !e.At.IsZero() {
		if e.At.After(now.Add(evidenceSkew)) {
			return "", Session{}, errEvidence
		}
		l.State, l.ExpiresAt = string(Full), now.Add(s.o.Absolute)
		l.AMR, l.MFAAt = with(l.AMR, e.Methods...), earlier(e.At, now)
		if e.Resistant {
			l.ResistantAt = l.MFAAt
		}
	}
	return s.create(ctx, user, l)
}

// ConfirmElsewhere records a second factor that the person of a full session gave at a provider, and changes the cookie.
// The session is named by its handle: the browser that comes back from the provider does not show its cookie.
func (s *Sessions) ConfirmElsewhere(ctx context.Context, id string, e Evidence) (cookie string, _ Session, err error) {
	l, err := s.o.Store.Logins.Get(ctx, id)
	cur, err := s.open(ctx, l, err, false)
	if err != nil {
		return "", Session{}, err
	}
	now := s.o.Now()
	if cur.State != Full || e.At.IsZero() || e.At.After(now.Add(evidenceSkew)) {
		return "", Session{}, ErrNoSession
	}
	cur.AMR = with(cur.AMR, e.Methods...)
	if at := earlier(e.At, now); at.After(cur.MFAAt) {
		cur.MFAAt = at
	}
	if e.Resistant {
		cur.ResistantAt = earlier(e.At, now)
	}
	cookie = newCookie()
	err = s.o.Store.Logins.Elevate(ctx, l.Hash, store.Login{
		ID: cur.ID, Hash: hash(cookie), State: string(Full), AMR: cur.AMR, MFAAt: cur.MFAAt, ResistantAt: cur.ResistantAt, SeenAt: now, ExpiresAt: cur.ExpiresAt,
	})
	if errors.Is(err, store.ErrNotFound) {
		return "", Session{}, ErrNoSession
	}
	return cookie, cur, err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// EndAtProvider ends the sessions that a provider says are over: those of its session sid, or, where it names none or
// we know none, all of its subject. It gives how many ended.
func (s *Sessions) EndAtProvider(ctx context.Context, name, subject, sid string) (ended []Session, err error) {
	var rows []store.Login
	if sid != "" {
		if rows, err = s.o.Store.Logins.AtProviderSID(ctx, name, sid); err != nil {
			return nil, err
		}
	}
	if subject != "" {
		all, err := s.o.Store.Logins.AtProvider(ctx, name, subject)
		if err != nil {
			return nil, err
		}
		for _, l := range all {
			if sid == "" || l.Provider.SID == "" { // a session whose sid we were never told may be the one
				rows = append(rows, l)
			}
		}
	}
	for _, l := range rows {
		if sid != "" && subject != "" && l.Provider.Subject != subject {
			continue
		}
		if err := s.o.Store.Logins.Delete(ctx, l.User, l.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return ended, err
		}
		ended = append(ended, Session{ID: l.ID, User: store.User{ID: l.User}})
	}
	return ended, nil
}

// Drop ends the session with a handle, whosever it is: the one that a browser had before it signed in anew.
func (s *Sessions) Drop(ctx context.Context, id string) error {
	l, err := s.o.Store.Logins.Get(ctx, id)
	if err == nil {
		err = s.o.Store.Logins.Delete(ctx, l.User, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
