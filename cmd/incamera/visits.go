package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"incamera/auth/directory"
	"incamera/auth/login"
	"incamera/auth/oidc"
	"incamera/auth/policy"
	accountrole "incamera/auth/role"
	"incamera/auth/store"
	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cmd/incamera/config"
	"incamera/signaling/session"
)

// visits tells hosts who waits at their door: what this deployment knows of the sign-in, and where the socket comes from.
type visits struct {
	people   *people
	networks policy.Networks
	roles    accountrole.Rules
	titles   map[string]string // of OpenID providers and the directory, by the source of accounts
}

func newVisits(c config.Config, p *people) (visits, error) {
	networks, err := config.ParseNetworks(c.Auth.Networks)
	if err != nil {
		return visits{}, fmt.Errorf("auth.networks: %w", err)
	}
	v := visits{people: p, networks: networks, roles: accountRules(c), titles: map[string]string{directory.Source: c.Auth.LDAP.Name}}
	for _, x := range c.Auth.OIDC {
		v.titles[oidc.Source(x.Name)] = x.Title
	}
	return v, nil
}

// accountRules are what accounts may do in this deployment.
func accountRules(c config.Config) accountrole.Rules {
	return accountrole.Rules{SingleAdmin: c.OneAdministrator(), UsersCreateRooms: c.Auth.UsersCreateRooms}
}

// How people signed in, as hosts are told.
const (
	byGuest    = "guest"
	byCode     = "password_code"
	byRecovery = "password_recovery"
	byPasskey  = "passkey"
	byProvider = "provider"
	byPortal   = "portal"
)

const (
	maxOrganisation = 120
	groupsShown     = 3
)

func (v visits) Describe(ctx context.Context, x session.Visitor) (out meeting.Visit, err error) {
	at := x.Addr.Unmap().WithZone("")
	if at.IsValid() {
		out.Address = at.String()
	}
	if out.Network = v.networks.Name(at); out.Network == "" {
		out.Country = v.people.facts.Places.Of(at).Country
	}
	switch {
	case x.Pass.Login != "":
		s, err := v.people.sessions.ByID(ctx, x.Pass.Login)
		if err != nil {
			return out, err
		}
		out.Method, out.Via, out.Organisation = method(s), v.titles[s.User.Source], organisation(s.User)
		if s.Provider.Name != "" {
			out.Via = v.titles[oidc.Source(s.Provider.Name)]
		}
	case x.Pass.Client != "":
		c, err := v.people.registry.Client(ctx, x.Pass.Client)
		if err != nil {
			return out, err
		}
		out.Method, out.Via, out.Organisation = byPortal, short(c.Name), short(c.Name)
	default:
		out.Method = byGuest
	}
	return out, nil
}

// method is the strongest thing the person gave.
func method(s login.Session) string {
	switch {
	case !s.ResistantAt.IsZero():
		return byPasskey
	case slices.Contains(s.AMR, "otp") && slices.Contains(s.AMR, "pwd"):
		return byCode
	case slices.Contains(s.AMR, "recovery"):
		return byRecovery
	case s.Provider.Name != "":
		return byProvider
	}
	return byCode
}

// organisation is the groups that a directory or provider put the person into.
func organisation(u store.User) string {
	groups := u.Groups
	if len(groups) > groupsShown {
		groups = groups[:groupsShown]
	}
	return short(strings.Join(groups, ", "))
}

// short bounds what others named, and leaves out what steers, hides or reverses text.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	if len(s) <= maxOrganisation {
		return s
	}
	s = s[:maxOrganisation]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}

// SeesAddresses: the account's role, as it is now.
func (v visits) SeesAddresses(ctx context.Context, host token.Person) (bool, error) {
	if host.Login == "" {
		return false, nil
	}
	s, err := v.people.sessions.ByID(ctx, host.Login)
	return err == nil && v.roles.May(accountrole.Role(s.User.Role), accountrole.SeeAddresses), err
}
