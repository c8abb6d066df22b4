package main

import (
	"context"
	"fmt"
	"strings"

	accountrole "incamera/auth/role"
	"incamera/auth/store"
	"incamera/cmd/incamera/config"
)

func rolesCommand() *command {
	return &command{name: "role", args: "set|list", short: "what accounts may do", children: []*command{
		{name: "list", short: "list who has which role, but for plain users", run: listRoles},
		{name: "set", short: "give an account another role", run: setRole},
	}}
}

func listRoles(ctx context.Context, w world, args []string) error {
	var only *string
	return onStore(ctx, w, "incamera admin role list [--role ROLE] [--config FILE]", "Lists accounts that are more than users, or all of one role: role, login, state, name.", args,
		func(text func(string, string, string) *string) { only = text("role", "", "one `role`") },
		func(s *store.Store) error {
			return eachUser(ctx, s, func(u store.User) {
				if *only == u.Role || *only == "" && u.Role != string(accountrole.User) {
					fmt.Fprintf(w.stdout, "%s\t%s\t%s\t%s\n", u.Role, u.Login, u.State, u.Name)
				}
			})
		})
}

func setRole(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin role set --login NAME --role ROLE [--identity DIR] [--config FILE]",
		"Gives an account another role, from its next request on: system_admin, security_officer, auditor, operator,\norganiser, user; sole_admin (the first three in one) only where auth.single_admin says so. It is on record under\nthe name of whoever runs it.")
	path := configFlag(f, w)
	login := f.String("login", "", "`account` name of the person")
	to := f.String("role", "", "the new `role`")
	dir := f.String("identity", "", identityHelp)
	if err := parse(f, args); err != nil {
		return err
	}
	if *login == "" || *to == "" {
		f.Usage()
		return errUsage
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	switch r := accountrole.Role(*to); {
	case !r.Valid():
		return fmt.Errorf("there is no role %q", *to)
	case r == accountrole.Sole && !c.OneAdministrator():
		return fmt.Errorf("auth.single_admin is %s: three accounts share what %s may do", c.Auth.SingleAdmin, *to)
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	u, err := s.Users.ByLogin(ctx, strings.ToLower(*login))
	if err != nil {
		return fmt.Errorf("account %s: %w", *login, err)
	}
	record, err := openRecord(ctx, c, s, *dir)
	if err != nil {
		return err
	}
	if err := record.do(ctx, "account.role", u.ID, func() error { return s.Users.SetRole(ctx, u.ID, *to) }); err != nil {
		return err
	}
	fmt.Fprintf(w.stdout, "%s: %s, before %s\n", u.Login, *to, u.Role)
	return nil
}
