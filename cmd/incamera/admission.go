package main

import (
	"context"

	"incamera/auth/issue"
	"incamera/auth/token"
)

// admission mints what a person joins with whom a host let in.
type admission struct{ issuer *issue.Issuer }

func (a admission) Admitted(ctx context.Context, pass string, host token.Admission) (string, error) {
	t, err := a.issuer.ForGuest(ctx, issue.GuestRequest{
		Host: issue.Host{Room: host.Room, Person: host.Person, EnteredAt: host.EnteredAt}, Pass: pass,
	})
	return t.Token, err
}
