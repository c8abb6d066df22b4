package config

import (
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Provider is an OpenID provider that people sign in at.
type Provider struct {
	Name              string        `yaml:"name"`
	Title             string        `yaml:"title"`
	TitleZH           string        `yaml:"title_zh"`
	Issuer            string        `yaml:"issuer"`
	ClientID          string        `yaml:"client_id"`
	ClientSecretFile  string        `yaml:"client_secret_file"`
	CAFile            string        `yaml:"ca_file"`
	Scopes            []string      `yaml:"scopes"`
	Algorithms        []string      `yaml:"algorithms"`
	Claims            Claims        `yaml:"claims"`
	AllowedGroups     []string      `yaml:"allowed_groups"`
	Roles             []GroupRole   `yaml:"roles"`
	CreateAccounts    bool          `yaml:"create_accounts"`
	SecondFactor      Evidence      `yaml:"second_factor"`
	PhishingResistant Evidence      `yaml:"phishing_resistant"`
	AskACR            []string      `yaml:"ask_acr"`
	MaxAge            time.Duration `yaml:"max_age"`
	KeepSignedIn      bool          `yaml:"keep_signed_in"`
}

// Claims says where a provider keeps what.
type Claims struct {
	Login  string `yaml:"login"`
	Name   string `yaml:"name"`
	Groups string `yaml:"groups"`
}

// Evidence is what is taken for a factor: one of these acr, or one of these amr.
type Evidence struct {
	ACR []string `yaml:"acr"`
	AMR []string `yaml:"amr"`
}

// GroupRole is the role that a group's people have here.
type GroupRole struct {
	Group string `yaml:"group"`
	Role  string `yaml:"role"`
}

// LDAP is a directory whose people sign in with their password there. No URL: none.
type LDAP struct {
	Name             string        `yaml:"name"`
	URLs             []string      `yaml:"urls"`
	StartTLS         bool          `yaml:"starttls"`
	CAFile           string        `yaml:"ca_file"`
	BindDN           string        `yaml:"bind_dn"`
	BindPasswordFile string        `yaml:"bind_password_file"`
	BaseDN           string        `yaml:"base_dn"`
	UserFilter       string        `yaml:"user_filter"`
	ID               string        `yaml:"id_attribute"`
	Login            string        `yaml:"login_attribute"`
	PersonName       string        `yaml:"name_attribute"`
	GroupAttribute   string        `yaml:"group_attribute"`
	GroupBaseDN      string        `yaml:"group_base_dn"`
	GroupFilter      string        `yaml:"group_filter"`
	GroupName        string        `yaml:"group_name_attribute"`
	AllowedGroups    []string      `yaml:"allowed_groups"`
	Roles            []GroupRole   `yaml:"roles"`
	CreateAccounts   bool          `yaml:"create_accounts"`
	Timeout          time.Duration `yaml:"timeout"`
	Connections      int           `yaml:"connections"`
}

var defaultLDAP = LDAP{
	Name: "directory", UserFilter: "(&(objectClass=person)(uid={login}))", ID: "entryUUID", Login: "uid", PersonName: "cn",
	Timeout: 5 * time.Second, Connections: 8, CreateAccounts: true,
}

// fill gives a provider the defaults of what its entry leaves out.
func (p *Provider) fill(factorMaxAge time.Duration) {
	set := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	set(&p.Title, p.Name)
	set(&p.Claims.Login, "preferred_username")
	set(&p.Claims.Name, "name")
	if len(p.Scopes) == 0 {
		p.Scopes = []string{"openid", "profile"}
	}
	if p.MaxAge == 0 {
		p.MaxAge = factorMaxAge
	}
}

var providerName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

var signatures = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func (c Config) validateProviders(k *check) {
	seen := map[string]bool{}
	for _, p := range c.Auth.OIDC {
		key := "auth.oidc[" + p.Name + "]"
		if !providerName.MatchString(p.Name) || seen[p.Name] {
			k.bad(key+".name", "must be its own: small letters, digits and dashes, at most 32")
		}
		seen[p.Name] = true
		u, err := url.Parse(p.Issuer)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && c.Mode == Development && loopback(u.Hostname())) {
			k.bad(key+".issuer", "is %q, must be an https address, as the provider spells it", p.Issuer)
		}
		if p.ClientID == "" {
			k.bad(key+".client_id", "is empty")
		}
		if len([]rune(p.Title)) > 60 || len([]rune(p.TitleZH)) > 60 {
			k.bad(key+".title", "is longer than 60 characters")
		}
		for _, a := range p.Algorithms {
			k.oneOf(key+".algorithms", a, signatures...)
		}
		k.lasts(key+".max_age", p.MaxAge, time.Minute, 24*time.Hour)
		if len(p.AskACR) > 0 && len(p.SecondFactor.ACR)+len(p.SecondFactor.AMR)+len(p.PhishingResistant.ACR)+len(p.PhishingResistant.AMR) == 0 {
			k.bad(key+".ask_acr", "asks for what second_factor and phishing_resistant do not accept")
		}
		if (len(p.AllowedGroups) > 0 || len(p.Roles) > 0) && p.Claims.Groups == "" {
			k.bad(key+".claims.groups", "is needed for allowed_groups and roles")
		}
		roles(k, key, p.Roles)
		k.readable(key+".client_secret_file", p.ClientSecretFile)
		k.readable(key+".ca_file", p.CAFile)
	}
}

func roles(k *check, key string, list []GroupRole) {
	for _, r := range list {
		if r.Group == "" || r.Role == "" {
			k.bad(key+".roles", "each needs a group and a role")
		}
	}
}

func (k *check) readable(key, path string) {
	if path == "" {
		return
	}
	f, err := os.Open(path)
	if err != nil {
		k.bad(key, "%v", err)
		return
	}
	_ = f.Close()
}

func loopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

func (c Config) validateLDAP(k *check) {
	l := c.Auth.LDAP
	if len(l.URLs) == 0 {
		return
	}
	for _, raw := range l.URLs {
		u, err := url.Parse(raw)
		switch {
		case err != nil || u.Host == "" || !slices.Contains([]string{"ldaps", "ldap"}, u.Scheme):
			k.bad("auth.ldap.urls", "%q is not ldaps://host[:port]", raw)
		case u.Scheme == "ldap" && !l.StartTLS && (c.Mode != Development || !loopback(u.Hostname())):
			k.bad("auth.ldap.urls", "%q would send passwords in clear: use ldaps://, or starttls: true", raw)
		}
	}
	for key, v := range map[string]string{"bind_dn": l.BindDN, "bind_password_file": l.BindPasswordFile, "base_dn": l.BaseDN, "id_attribute": l.ID, "login_attribute": l.Login, "name": l.Name} {
		if v == "" {
			k.bad("auth.ldap."+key, "is needed")
		}
	}
	if !strings.Contains(l.UserFilter, "{login}") {
		k.bad("auth.ldap.user_filter", "does not use {login}")
	}
	if (l.GroupFilter != "") != (l.GroupBaseDN != "") || l.GroupFilter != "" && (l.GroupAttribute != "" || !strings.Contains(l.GroupFilter, "{dn}")) {
		k.bad("auth.ldap.group_filter", "goes together with group_base_dn, uses {dn}, and takes the place of group_attribute")
	}
	k.lasts("auth.ldap.timeout", l.Timeout, 100*time.Millisecond, 15*time.Second)
	k.between("auth.ldap.connections", l.Connections, 1, 64)
	roles(k, "auth.ldap", l.Roles)
	k.readable("auth.ldap.bind_password_file", l.BindPasswordFile)
	k.readable("auth.ldap.ca_file", l.CAFile)
}
