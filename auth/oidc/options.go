package oidc

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/account"
	"incamera/auth/seal"
	"incamera/auth/store"
)

// Provider is one OpenID provider as the configuration describes it.
type Provider struct {
	Name         string // in addresses and in the record: small letters, digits, dashes
	Title        string // on the button
	TitleZH      string // on the button of the Chinese page; Title when empty
	Issuer       string
	ClientID     string
	ClientSecret string // empty: a public client, PKCE alone
	Scopes       []string
	Roots        *x509.CertPool // nil: the system's
	Algorithms   []string       // that may sign its tokens; DefaultAlgorithms when empty
	Claims       ClaimNames
	Groups       account.Mapping
	Create       bool     // accounts are made at the first sign-in
	SecondFactor Accepted // what shows a second factor
	Resistant    Accepted // what shows one that no other site can ask for
	AskACR       []string // acr_values of the second trip; without any there is none
	MaxAge       time.Duration
	Logout       bool // a sign-out here is a sign-out there
}

// ClaimNames says where a provider keeps what; dots lead into objects.
type ClaimNames struct{ Login, Name, Groups string }

// Accepted is evidence: one of these acr, or one of these amr.
type Accepted struct{ ACR, AMR []string }

func (a Accepted) empty() bool { return len(a.ACR)+len(a.AMR) == 0 }

func (a Accepted) by(acr string, amr []string) bool {
	return slices.Contains(a.ACR, acr) || slices.ContainsFunc(amr, func(m string) bool { return slices.Contains(a.AMR, m) })
}

// DefaultAlgorithms are the signatures that are believed. Those made with a shared secret (HS…) and none are never.
var DefaultAlgorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}

var possibleAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

var nameRE = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// Options of Providers.
type Options struct {
	Store      *store.Store
	Seal       *seal.Keys // for ID tokens that a sign-out shows again
	Providers  []Provider
	PublicURL  string // scheme://host[:port] of the pages
	Plain      bool   // providers on this machine may be reached without TLS: for development
	Timeout    time.Duration
	Registerer prometheus.Registerer
	Now        func() time.Time // time.Now when nil
}

// Validate says what is wrong, one line each.
func (o Options) Validate() error {
	if o.Store == nil || o.Seal == nil || o.PublicURL == "" {
		return errors.New("oidc: Store, Seal and PublicURL are required")
	}
	var errs []error
	seen := map[string]bool{}
	for _, p := range o.Providers {
		bad := func(why string) { errs = append(errs, fmt.Errorf("provider %q: %s", p.Name, why)) }
		if !nameRE.MatchString(p.Name) || seen[p.Name] {
			bad("needs a name of its own: small letters, digits and dashes")
		}
		seen[p.Name] = true
		if p.Title == "" || len(p.Title) > 60 || len(p.TitleZH) > 60 {
			bad("needs a title of at most 60 characters")
		}
		if u, err := url.Parse(p.Issuer); err != nil || !o.reachable(u) || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			bad("its issuer must be an https address")
		}
		if p.ClientID == "" {
			bad("needs a client_id")
		}
		for _, a := range p.Algorithms {
			if !slices.Contains(possibleAlgorithms, a) {
				bad(fmt.Sprintf("%s is no signature that may be believed", a))
			}
		}
		if p.MaxAge < time.Minute || p.MaxAge > 24*time.Hour {
			bad("max_age must be 1m to 24h")
		}
		if len(p.AskACR) > 0 && p.SecondFactor.empty() && p.Resistant.empty() {
			bad("asks for an acr that nothing accepts")
		}
	}
	return errors.Join(errs...)
}

// reachable says whether a provider may be spoken to at an address: over TLS, or, in development, on this machine.
func (o Options) reachable(u *url.URL) bool {
	if u.Host == "" {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return o.Plain && u.Scheme == "http" && (u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || ip != nil && ip.IsLoopback())
}
