package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/account"
	"incamera/auth/store"
	"incamera/cmd/incamera/config"
)

func accountCommand() *command {
	return &command{name: "account", args: "mail|reset-link", short: "people's accounts", children: []*command{
		{name: "mail", short: "set or take away one person's mail address", run: setMail},
		{name: "reset-link", short: "make the link with which a person sets a new password", run: resetLink},
	}}
}

// onAccount opens what commands on one account work with.
func onAccount(ctx context.Context, c config.Config, login, dir string, do func(record, *account.Accounts, store.User) error) error {
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	u, err := s.Users.ByLogin(ctx, login)
	if err != nil {
		return fmt.Errorf("account %s: %w", login, err)
	}
	keys, err := openKeys(ctx, c, s)
	if err != nil {
		return err
	}
	accounts, err := account.New(account.Options{Store: s, Seal: keys, Registerer: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	r, err := openRecord(ctx, c, s, dir)
	if err != nil {
		return err
	}
	return do(r, accounts, u)
}

func setMail(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin account mail --login NAME --address ADDRESS [--identity DIR] [--config FILE]",
		"Keeps a person's mail address, sealed; an empty one takes it away. Links for a new password go there. It is on\nrecord under the name of whoever runs it, without the address.")
	path := configFlag(f, w)
	login := f.String("login", "", "`account` name of the person")
	address := f.String("address", "", "mail `address`")
	dir := f.String("identity", "", identityHelp)
	if err := parse(f, args); err != nil {
		return err
	}
	if *login == "" {
		f.Usage()
		return errUsage
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	return onAccount(ctx, c, *login, *dir, func(r record, a *account.Accounts, u store.User) error {
		if err := r.do(ctx, "account.mail", u.ID, func() error { return a.SetMail(ctx, u.ID, *address) }); err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "%s: mail address kept\n", u.Login)
		return nil
	})
}

func resetLink(ctx context.Context, w world, args []string) error {
	name, dir, c, err := accountFlags(w, "incamera admin account reset-link --login NAME [--identity DIR] [--config FILE]",
		"Makes the link with which a person sets a new password, once, within 30 minutes. They need their authenticator app\nor a recovery code as well. It is on record under the name of whoever runs it.", args)
	if err != nil {
		return err
	}
	return onAccount(ctx, c, name, dir, func(r record, a *account.Accounts, u store.User) error {
		var link string
		if err := r.do(ctx, "account.reset_link", u.ID, func() (err error) { link, err = a.ResetLink(ctx, u.ID); return err }); err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "%s/reset#%s\ngood once, until %s\n", c.HTTP.PublicURL, link, time.Now().Add(account.ResetLife).Format(time.TimeOnly))
		return nil
	})
}
