package config

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Classes are what rooms of each class demand. A room may demand more, never less.
type Classes struct {
	Open         Class `yaml:"open"`
	Internal     Class `yaml:"internal"`
	Confidential Class `yaml:"confidential"`
	Secret       Class `yaml:"secret"`
}

// Class is what rooms of one class demand. MaxAge 0: no younger than second_factor_max_age.
type Class struct {
	Assurance  string        `yaml:"assurance"`
	MaxAge     time.Duration `yaml:"max_age"`
	Lobby      string        `yaml:"lobby"`
	Guests     bool          `yaml:"guests"`
	E2EE       string        `yaml:"e2ee"`
	Watermark  bool          `yaml:"watermark"`
	Recording  bool          `yaml:"recording"`
	StreamKeys bool          `yaml:"stream_keys"`
	Portals    string        `yaml:"portals"`
	Create     []string      `yaml:"create"`
}

// Assurances.
const (
	AssuranceMFA               = "mfa"
	AssurancePhishingResistant = "phishing_resistant"
)

// The words of a class.
const (
	LobbyNever, LobbyGuests, LobbyAlways       = "never", "guests", "always"
	E2EEOff, E2EEOptional, E2EERequired        = "off", "optional", "required"
	PortalsAny, PortalsTrusted, CreatorProgram = "any", "trusted", "client"
)

var classNames = []string{"open", "internal", "confidential", "secret"}

var (
	walkIn = Class{
		Assurance: AssuranceMFA, Lobby: LobbyGuests, Guests: true, E2EE: E2EEOptional, Recording: true, StreamKeys: true, Portals: PortalsAny,
		Create: []string{},
	}
	guarded = Class{
		Assurance: AssuranceMFA, Lobby: LobbyAlways, Guests: true, E2EE: E2EEOptional, Watermark: true, Portals: PortalsTrusted, Create: []string{},
	}
	sealed = Class{
		Assurance: AssuranceMFA, Lobby: LobbyAlways, E2EE: E2EEOptional, Watermark: true, Portals: PortalsTrusted,
		Create: []string{"organiser", CreatorProgram},
	}
	defaultClasses = Classes{Open: walkIn, Internal: walkIn, Confidential: guarded, Secret: sealed}
)

// All gives the classes by their names.
func (c Classes) All() map[string]Class {
	return map[string]Class{"open": c.Open, "internal": c.Internal, "confidential": c.Confidential, "secret": c.Secret}
}

// creators are the roles of accounts, and API clients.
var creators = []string{"sole_admin", "system_admin", "security_officer", "auditor", "operator", "organiser", "user", CreatorProgram}

func (c Classes) validate(k *check, publicURL string) {
	all := c.All()
	for _, name := range classNames {
		all[name].validate(k, "auth.classes."+name, publicURL)
	}
}

func (r Class) validate(k *check, key, publicURL string) {
	k.oneOf(key+".assurance", r.Assurance, AssuranceMFA, AssurancePhishingResistant)
	if r.MaxAge != 0 {
		k.lasts(key+".max_age", r.MaxAge, time.Minute, 24*time.Hour)
	}
	if r.Assurance == AssurancePhishingResistant && !passkeysPossible(publicURL) {
		k.bad(key+".assurance", "asks for passkeys, which browsers know only for https and a host name: http.public_url is %q", publicURL)
	}
	k.oneOf(key+".lobby", r.Lobby, LobbyNever, LobbyGuests, LobbyAlways)
	k.oneOf(key+".e2ee", r.E2EE, E2EEOff, E2EEOptional, E2EERequired)
	k.oneOf(key+".portals", r.Portals, PortalsAny, PortalsTrusted)
	if r.Lobby == LobbyNever && r.Guests {
		k.bad(key+".guests", "must be false with lobby never: a guest enters by a host's hand alone")
	}
	if r.Watermark && r.Portals == PortalsAny {
		k.bad(key+".portals", "must be trusted with a watermark: a page of somebody else need not draw it")
	}
	for _, who := range r.Create {
		if !slices.Contains(creators, who) {
			k.bad(key+".create", "names %q, must be of %s", who, strings.Join(creators, ", "))
		}
	}
}

// passkeysPossible says whether browsers make passkeys for pages of a URL.
func passkeysPossible(publicURL string) bool {
	u, err := url.Parse(publicURL)
	if err != nil || net.ParseIP(u.Hostname()) != nil {
		return false
	}
	return u.Scheme == "https" || u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost")
}
