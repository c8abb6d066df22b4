package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/approval"
	"incamera/auth/audit"
	"incamera/auth/mfa"
	"incamera/auth/store"
	"incamera/cmd/incamera/config"
)

func factorsCommand() *command {
	return &command{name: "factors", args: "list|reset", short: "people's second factors", children: []*command{
		{name: "list", short: "list one person's second factors", run: listFactors},
		{name: "reset", short: "take all of one person's second factors away", run: resetFactors},
	}}
}

// accountFlags are those of both commands: whose factors, and where the deployment is.
func accountFlags(w world, usage, about string, args []string) (login, identity string, c config.Config, err error) {
	f := flags(w, usage, about)
	path := configFlag(f, w)
	name := f.String("login", "", "`account` name of the person")
	dir := f.String("identity", "", "`directory` of an identity of this deployment, which signs the record; empty: this process's own")
	if err := parse(f, args); err != nil {
		return "", "", c, err
	}
	if *name == "" {
		f.Usage()
		return "", "", c, errUsage
	}
	c, err = config.Load(*path, w.environ)
	return strings.ToLower(*name), *dir, c, err
}

func listFactors(ctx context.Context, w world, args []string) error {
	name, _, c, err := accountFlags(w, "incamera admin factors list --login NAME [--config FILE]",
		"Lists a person's second factors: kind, id, since when, last use, name.", args)
	if err != nil {
		return err
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	u, err := s.Users.ByLogin(ctx, name)
	if err != nil {
		return fmt.Errorf("account %s: %w", name, err)
	}
	apps, err := s.Factors.Of(ctx, u.ID)
	if err != nil {
		return err
	}
	keys, err := s.Passkeys.Of(ctx, u.ID)
	if err != nil {
		return err
	}
	left, err := s.Recovery.Left(ctx, u.ID)
	if err != nil {
		return err
	}
	for _, a := range apps {
		fmt.Fprintf(w.stdout, "totp\t%s\t%s\t\t\n", a.ID, a.ConfirmedAt.Format(time.DateOnly))
	}
	for _, k := range keys {
		state := ""
		if !k.BlockedAt.IsZero() {
			state = " (blocked)"
		}
		fmt.Fprintf(w.stdout, "passkey\t%s\t%s\t%s\t%s%s\n", k.ID, k.CreatedAt.Format(time.DateOnly), k.UsedAt.Format(time.DateOnly), k.Name, state)
	}
	fmt.Fprintf(w.stdout, "recovery codes left: %d\n", left)
	return nil
}

func resetFactors(ctx context.Context, w world, args []string) error {
	name, dir, c, err := accountFlags(w, "incamera admin factors reset --login NAME [--identity DIR] [--config FILE]",
		"Takes a person's authenticator app, passkeys, recovery codes and sessions away; they enrol anew after the next\npassword, and are told. This is for a deployment with one administrator, or none who can sign in: among two, the\npages ask both. It is on record under the name of whoever runs it.", args)
	if err != nil {
		return err
	}
	identity, err := signingIdentity(c, dir)
	if err != nil {
		return err
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	u, err := s.Users.ByLogin(ctx, name)
	if err != nil {
		return fmt.Errorf("account %s: %w", name, err)
	}
	log, err := audit.New(ctx, audit.Options{Store: s, Identity: identity, Registerer: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	waiting, err := approval.New(approval.Options{Store: s})
	if err != nil {
		return err
	}
	actor := "machine:" + whoami()
	entry := audit.Event{Actor: actor, Verb: "account.reset_factors", Object: u.ID, Result: "ok", Meta: map[string]string{"way": "cli"}}
	if err := log.Append(ctx, entry); err != nil { // what is not on record is not done
		return err
	}
	err = waiting.Alone(ctx, approval.Request{Kind: approval.ResetFactors, Object: u.ID, By: actor}, func(ctx context.Context, s *store.Store) error {
		if err := mfa.Reset(ctx, s, u.ID); err != nil {
			return err
		}
		return s.Logins.DeleteOf(ctx, u.ID, "")
	})
	if err != nil {
		entry.Result = "internal"
		return errors.Join(err, log.Append(ctx, entry))
	}
	fmt.Fprintf(w.stdout, "%s enrols a new second factor at the next sign-in; ask them to do it now\n", u.Login)
	return nil
}

// whoami is the machine's name for who runs this.
func whoami() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
