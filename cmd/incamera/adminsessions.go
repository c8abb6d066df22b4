package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"incamera/auth/store"
)

func sessionsCommand() *command {
	return &command{name: "session", args: "list|revoke", short: "where people are signed in", children: []*command{
		{name: "list", short: "list one person's sessions", run: listSessions},
		{name: "revoke", short: "end one of a person's sessions, or all", run: revokeSessions},
	}}
}

func listSessions(ctx context.Context, w world, args []string) error {
	var login *string
	return onStore(ctx, w, "incamera admin session list --login LOGIN [--config FILE]",
		"Lists a person's sessions: id, state, since, second factor, address, program.", args, loginFlag(&login), func(s *store.Store) error {
			u, err := called(ctx, s, *login)
			if err != nil {
				return err
			}
			list, err := s.Logins.Of(ctx, u.ID)
			now := time.Now()
			for _, l := range list {
				if !now.Before(l.ExpiresAt) {
					continue
				}
				factor := ""
				if !l.MFAAt.IsZero() {
					factor = l.MFAAt.Format(time.RFC3339)
				}
				fmt.Fprintf(w.stdout, "%s\t%s\t%s\t%s\t%s\t%s\n", l.ID, l.State, l.CreatedAt.Format(time.RFC3339), factor, l.Address, l.Agent)
			}
			return err
		})
}

func revokeSessions(ctx context.Context, w world, args []string) error {
	var login, id *string
	return onUsers(ctx, w, "incamera admin session revoke --login LOGIN [--id ID] [--identity DIR] [--config FILE]",
		"Ends one of a person's sessions, or all without --id. Seats in meetings that came from them end within 5 s.", args,
		func(text func(string, string, string) *string) {
			loginFlag(&login)(text)
			id = text("id", "", "`id` of one session, as `session list` says")
		}, func(d userDesk) error {
			u, err := called(ctx, d.store, *login)
			if err != nil {
				return err
			}
			if *id == "" {
				err = d.do(ctx, "session.end_all", u.ID, func() error { return d.store.Logins.DeleteOf(ctx, u.ID, "") })
			} else {
				err = d.do(ctx, "session.end", *id, func() error { return d.store.Logins.Delete(ctx, u.ID, *id) })
			}
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("%s has no session %s: %w", u.Login, *id, err)
			}
			if err == nil {
				fmt.Fprintf(w.stdout, "%s: signed out\n", u.Login)
			}
			return err
		})
}
