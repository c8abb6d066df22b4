package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/account"
	accountrole "incamera/auth/role"
	"incamera/auth/store"
	"incamera/cmd/incamera/config"
)

func usersCommand() *command {
	return &command{name: "user", args: "list|add|invite|disable|enable", short: "people's accounts", children: []*command{
		{name: "list", short: "list accounts: login, state, role, source, name", run: listUsers},
		{name: "add", short: "make an account, and print its owner's invitation", run: addUser},
		{name: "invite", short: "print a new invitation in place of the old one", run: inviteUser},
		{name: "disable", short: "shut an account out: its sessions end, and its seats in meetings with them", run: disableUser},
		{name: "enable", short: "let a disabled account in again", run: enableUser},
	}}
}

// userDesk is what the commands on accounts work with.
type userDesk struct {
	c        config.Config
	store    *store.Store
	accounts *account.Accounts
	record
}

// onUsers parses the flags of one command and opens the desk for it. more adds the command's own flags.
func onUsers(ctx context.Context, w world, usage, about string, args []string, more func(text func(name, def, about string) *string), do func(userDesk) error) error {
	f := flags(w, usage, about)
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	more(f.String)
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	log, err := openRecord(ctx, c, s, *dir)
	if err != nil {
		return err
	}
	keys, err := openKeys(ctx, c, s)
	if err != nil {
		return err
	}
	accounts, err := account.New(account.Options{Store: s, Seal: keys, Hashes: c.Auth.PasswordHashes, Registerer: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	return do(userDesk{c, s, accounts, log})
}

// called gives the account of a login.
func called(ctx context.Context, s *store.Store, login string) (store.User, error) {
	if login == "" {
		return store.User{}, errors.New("--login is needed")
	}
	u, err := s.Users.ByLogin(ctx, strings.ToLower(login))
	if err != nil {
		return u, fmt.Errorf("account %s: %w", login, err)
	}
	return u, nil
}

// page is how many rows a list asks for at once.
const page = 500

// eachUser walks all accounts, by login.
func eachUser(ctx context.Context, s *store.Store, do func(store.User)) error {
	for after := ""; ; {
		list, err := s.Users.List(ctx, after, page)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, u := range list {
			do(u)
		}
		after = list[len(list)-1].Login
	}
}

func listUsers(ctx context.Context, w world, args []string) error {
	return onStore(ctx, w, "incamera admin user list [--config FILE]", "Lists accounts: login, state, role, source, name.", args, noFlags, func(s *store.Store) error {
		return eachUser(ctx, s, func(u store.User) {
			fmt.Fprintf(w.stdout, "%s\t%s\t%s\t%s\t%s\n", u.Login, u.State, u.Role, u.Source, u.Name)
		})
	})
}

func noFlags(func(name, def, about string) *string) {}

// onStore opens the database for a command that reads it.
func onStore(ctx context.Context, w world, usage, about string, args []string, more func(text func(name, def, about string) *string), do func(*store.Store) error) error {
	f := flags(w, usage, about)
	path := configFlag(f, w)
	more(f.String)
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}

func addUser(ctx context.Context, w world, args []string) error {
	var login, name, as *string
	return onUsers(ctx, w, "incamera admin user add --login LOGIN --name NAME [--role ROLE] [--identity DIR] [--config FILE]",
		"Makes an account that waits for its owner, and prints the invitation: shown once, good for 7 days. An administrator\ncomes in first, then gets the role by `incamera admin role set`.", args,
		func(text func(string, string, string) *string) {
			login, name = text("login", "", "`account` name"), text("name", "", "`name` as others see it")
			as = text("role", string(accountrole.User), "user, organiser or operator")
		}, func(d userDesk) error {
			if r := accountrole.Role(*as); !r.Valid() || r.Privileged() {
				return fmt.Errorf("an account cannot be made as %q", *as)
			}
			return d.do(ctx, "account.invite", *login, func() error {
				_, invite, err := d.accounts.Invite(ctx, *login, *name, *as)
				if err == nil {
					fmt.Fprintln(w.stdout, d.link(invite))
				}
				return err
			})
		})
}

// link is an invitation as its owner opens it.
func (d userDesk) link(invite string) string { return d.c.HTTP.PublicURL + "/invite#" + invite }

// loginFlag is the one flag of commands on one account.
func loginFlag(into **string) func(func(name, def, about string) *string) {
	return func(text func(string, string, string) *string) {
		*into = text("login", "", "`account` name of the person")
	}
}

// onUser is the shape of what a command does to one account: on record, and done.
func onUser(ctx context.Context, w world, name, verb, about string, args []string, do func(userDesk, store.User) (said string, err error)) error {
	var login *string
	return onUsers(ctx, w, "incamera admin user "+name+" --login LOGIN [--identity DIR] [--config FILE]", about, args, loginFlag(&login), func(d userDesk) error {
		u, err := called(ctx, d.store, *login)
		if err != nil {
			return err
		}
		var said string
		if err := d.do(ctx, verb, u.ID, func() error { said, err = do(d, u); return err }); err != nil {
			return err
		}
		fmt.Fprintln(w.stdout, said)
		return nil
	})
}

func inviteUser(ctx context.Context, w world, args []string) error {
	return onUser(ctx, w, "invite", "account.invite_again", "Prints a new invitation for an account whose owner never came in; the old one is dropped.", args,
		func(d userDesk, u store.User) (string, error) {
			invite, err := d.accounts.Reinvite(ctx, u.ID)
			return d.link(invite), err
		})
}

func disableUser(ctx context.Context, w world, args []string) error {
	return onUser(ctx, w, "disable", "account.disable", "Shuts an account out. Its sessions end now, its seats in meetings within 5 s.", args,
		func(d userDesk, u store.User) (string, error) {
			return u.Login + ": disabled", d.accounts.SetDisabled(ctx, u.ID, true)
		})
}

func enableUser(ctx context.Context, w world, args []string) error {
	return onUser(ctx, w, "enable", "account.enable", "Lets a disabled account in again. One that never had a password waits for its owner as before.", args,
		func(d userDesk, u store.User) (string, error) {
			state, err := d.accounts.Enable(ctx, u.ID)
			return u.Login + ": " + state, err
		})
}
