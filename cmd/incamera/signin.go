package main

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/account"
	"incamera/auth/directory"
	"incamera/auth/mail"
	"incamera/auth/oidc"
	accountrole "incamera/auth/role"
	"incamera/auth/seal"
	"incamera/auth/store"
	"incamera/auth/throttle"
	"incamera/cmd/incamera/config"
	"incamera/signaling/api"
)

// openAccounts is the people's accounts, with the directory they may live in and the list of stolen passwords.
func openAccounts(c config.Config, s *store.Store, keys *seal.Keys, brake throttle.Maker, reg prometheus.Registerer) (*account.Accounts, error) {
	o := account.Options{Store: s, Seal: keys, Brake: brake, Hashes: c.Auth.PasswordHashes, Registerer: reg}
	if c.Auth.BreachedFile != "" {
		list, err := account.OpenBreached(c.Auth.BreachedFile)
		if err != nil {
			return nil, fmt.Errorf("auth.breached_passwords_file: %w", err)
		}
		o.RefusePassword = list.Holds
	}
	if len(c.Auth.LDAP.URLs) > 0 {
		d, err := openDirectory(c, reg)
		if err != nil {
			return nil, fmt.Errorf("auth.ldap: %w", err)
		}
		o.Directory = d
	}
	if c.OneAdministrator() {
		o.FirstRole = accountrole.Sole
	}
	return account.New(o)
}

func openDirectory(c config.Config, reg prometheus.Registerer) (*directory.Directory, error) {
	l := c.Auth.LDAP
	password, err := secret(l.BindPasswordFile)
	if err != nil {
		return nil, err
	}
	roots, err := authorities(l.CAFile)
	if err != nil {
		return nil, err
	}
	m, err := mapping(l.AllowedGroups, l.Roles)
	if err != nil {
		return nil, err
	}
	if l.GroupAttribute != "" || l.GroupName == "" { // names that are DNs are compared in small letters
		for i := range m.Allowed {
			m.Allowed[i] = strings.ToLower(m.Allowed[i])
		}
		for i := range m.Roles {
			m.Roles[i].Group = strings.ToLower(m.Roles[i].Group)
		}
	}
	return directory.New(directory.Options{
		Name: l.Name, URLs: l.URLs, StartTLS: l.StartTLS, Plain: c.Mode == config.Development, Roots: roots, BindDN: l.BindDN, Password: password,
		BaseDN: l.BaseDN, UserFilter: l.UserFilter, ID: l.ID, Login: l.Login, Title: l.PersonName, GroupAttribute: l.GroupAttribute,
		GroupBaseDN: l.GroupBaseDN, GroupFilter: l.GroupFilter, GroupName: l.GroupName, Groups: m, Create: l.CreateAccounts,
		Timeout: l.Timeout, Connections: l.Connections, Registerer: reg,
	})
}

// openProviders is the OpenID providers of the configuration; nil when there are none.
func openProviders(c config.Config, s *store.Store, keys *seal.Keys, reg prometheus.Registerer) (*oidc.Providers, error) {
	if len(c.Auth.OIDC) == 0 {
		return nil, nil
	}
	o := oidc.Options{Store: s, Seal: keys, PublicURL: c.HTTP.PublicURL, Plain: c.Mode == config.Development, Registerer: reg}
	for _, p := range c.Auth.OIDC {
		x := oidc.Provider{
			Name: p.Name, Title: p.Title, TitleZH: p.TitleZH, Issuer: p.Issuer, ClientID: p.ClientID, Scopes: p.Scopes, Algorithms: p.Algorithms,
			Claims: oidc.ClaimNames(p.Claims), Create: p.CreateAccounts, SecondFactor: oidc.Accepted(p.SecondFactor),
			Resistant: oidc.Accepted(p.PhishingResistant), AskACR: p.AskACR, MaxAge: p.MaxAge, Logout: !p.KeepSignedIn,
		}
		var err error
		if x.ClientSecret, err = secret(p.ClientSecretFile); err != nil {
			return nil, fmt.Errorf("auth.oidc[%s]: %w", p.Name, err)
		}
		if x.Roots, err = authorities(p.CAFile); err != nil {
			return nil, fmt.Errorf("auth.oidc[%s]: %w", p.Name, err)
		}
		if x.Groups, err = mapping(p.AllowedGroups, p.Roles); err != nil {
			return nil, fmt.Errorf("auth.oidc[%s]: %w", p.Name, err)
		}
		o.Providers = append(o.Providers, x)
	}
	return oidc.New(o)
}

// openMail is the relay of the configuration; nil when there is none.
func openMail(m config.Mail, log *slog.Logger, reg prometheus.Registerer) (*mail.Relay, error) {
	if m.Address == "" {
		return nil, nil
	}
	o := mail.Options{Address: m.Address, TLS: mail.TLS(m.TLS), User: m.User, From: m.From, Timeout: m.Timeout, Log: log, Registerer: reg}
	var err error
	if o.Password, err = secret(m.PasswordFile); err != nil {
		return nil, fmt.Errorf("mail.password_file: %w", err)
	}
	if o.Roots, err = authorities(m.CAFile); err != nil {
		return nil, fmt.Errorf("mail.ca_file: %w", err)
	}
	return mail.New(o)
}

// mailer is the relay for those who only ask whether there is one.
func (p *people) mailer() api.Mailer {
	if p.mail == nil {
		return nil
	}
	return p.mail
}

func mapping(allowed []string, roles []config.GroupRole) (account.Mapping, error) {
	m := account.Mapping{Allowed: append([]string(nil), allowed...)}
	for _, r := range roles {
		if r.Role == "admin" { // as files of before there were several spell it
			r.Role = string(accountrole.System)
		}
		if !account.ValidRole(r.Role) || r.Role == string(accountrole.Sole) {
			return m, fmt.Errorf("roles: there is no role %q to give to a group", r.Role)
		}
		m.Roles = append(m.Roles, account.GroupRole(r))
	}
	return m, nil
}

// secret reads the first line of a file; no file, no secret.
func secret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return line, nil
}

// authorities reads certificates to trust; nil means the system's.
func authorities(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return roots, nil
}
