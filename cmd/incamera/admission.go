package main

import (
	"context"
	"strings"

	"incamera/auth/issue"
	"incamera/auth/token"
)

// admission mints what a person joins with whom a host let in.
type admission struct{ people *people }

// Admitted asks for the host's evidence anew: the host must have a session with a fresh second factor now.
func (a admission) Admitted(ctx context.Context, pass token.LobbyPass, sponsor string) (string, error) {
	jws, err := a.people.minter.MintLobby(pass)
	if err != nil {
		return "", err
	}
	host := issue.Host{Room: pass.Room, Person: token.Person{Subject: sponsor, Moderate: true, Assurance: token.AssuranceMFA}}
	if id, ok := strings.CutPrefix(sponsor, "u:"); ok {
		u, err := a.people.store.Users.Get(ctx, id)
		if err != nil {
			return "", err
		}
		sessions, err := a.people.sessions.List(ctx, u)
		if err != nil {
			return "", err
		}
		for _, s := range sessions {
			if !s.MFAAt.IsZero() {
				host.Person.Login = s.ID
			}
		}
	}
	t, err := a.people.issuer.ForGuest(ctx, issue.GuestRequest{Host: host, Pass: jws})
	return t.Token, err
}
