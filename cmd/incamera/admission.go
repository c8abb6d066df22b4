package main

import (
	"context"
	"errors"

	"incamera/auth/issue"
	"incamera/auth/token"
	"incamera/signaling/session"
)

// Sponsor says whether a host's second factor is fresh enough to vouch for somebody.
func (a admission) Sponsor(ctx context.Context, host token.Admission) error {
	err := a.issuer.MaySponsor(ctx, issue.Host{Room: host.Room, Person: host.Person, EnteredAt: host.EnteredAt})
	var why *issue.Error
	switch {
	case err == nil || !errors.As(err, &why) || why.Code == issue.CodeUnavailable:
		return err
	case why.Code == issue.CodeSecondFactorRequired:
		return &session.FactorNeeded{Assurance: why.Need.Assurance, MaxAge: why.Need.MaxAge}
	}
	return session.ErrRevoked
}

// admission mints what a person joins with whom a host let in.
type admission struct{ issuer *issue.Issuer }

func (a admission) Admitted(ctx context.Context, pass string, host token.Admission) (string, error) {
	t, err := a.issuer.ForGuest(ctx, issue.GuestRequest{
		Host: issue.Host{Room: host.Room, Person: host.Person, EnteredAt: host.EnteredAt}, Pass: pass,
	})
	return t.Token, err
}
