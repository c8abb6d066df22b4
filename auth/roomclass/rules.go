package roomclass

import (
	"errors"
	"fmt"
	"slices"

	"incamera/auth/login"
	"incamera/auth/role"
	"incamera/auth/token"
)

// Lobby is who waits at the door until a host lets them in.
type Lobby string

// Lobbies, in rising order. A guest comes in by a host's hand alone: a room where nobody waits takes no guests.
const (
	LobbyNever  Lobby = "never"
	LobbyGuests Lobby = "guests"
	LobbyAlways Lobby = "always" // all but the owner and the members
)

var lobbies = []Lobby{LobbyNever, LobbyGuests, LobbyAlways}

// Rank orders lobbies; -1 for what is none.
func (l Lobby) Rank() int { return slices.Index(lobbies, l) }

// Encryption is whether people's media is encrypted from end to end.
type Encryption string

// Encryptions, in rising order.
const (
	EncryptionOff      Encryption = "off"
	EncryptionOptional Encryption = "optional"
	EncryptionRequired Encryption = "required"
)

var encryptions = []Encryption{EncryptionOff, EncryptionOptional, EncryptionRequired}

// Portals is whose pages may enter, besides the deployment's own.
type Portals string

// Portals, in rising order.
const (
	PortalsAny     Portals = "any"     // of every API client
	PortalsTrusted Portals = "trusted" // of API clients that are marked trusted
)

var portals = []Portals{PortalsAny, PortalsTrusted}

// Program is the word among Rules.Create for API clients; the others are roles of accounts.
const Program = "client"

// Rules are what rooms of a class demand.
type Rules struct {
	Factor     login.Requirement // of people with an account, or of an API client, beyond what every room asks
	Lobby      Lobby
	Guests     bool
	Encryption Encryption
	Watermark  bool // each picture carries who looks at it
	Recording  bool // may be recorded
	StreamKeys bool // takes encoders and players
	Portals    Portals
	Create     []string // who makes such rooms, of those who make rooms at all; none: everybody
}

// Validate says what contradicts itself.
func (r Rules) Validate() error {
	switch {
	case r.Lobby.Rank() < 0:
		return fmt.Errorf("lobby is %q, must be never, guests or always", r.Lobby)
	case !slices.Contains(encryptions, r.Encryption):
		return fmt.Errorf("e2ee is %q, must be off, optional or required", r.Encryption)
	case !slices.Contains(portals, r.Portals):
		return fmt.Errorf("portals is %q, must be any or trusted", r.Portals)
	case r.Factor.Assurance != "" && r.Factor.Assurance != token.AssuranceMFA && r.Factor.Assurance != token.AssurancePhishingResistant:
		return fmt.Errorf("assurance is %q, must be mfa or phishing_resistant", r.Factor.Assurance)
	case r.Lobby == LobbyNever && r.Guests:
		return errors.New("lobby never with guests: a guest enters by a host's hand alone")
	case r.Watermark && r.Portals != PortalsTrusted:
		return errors.New("watermark with portals any: a page of somebody else need not draw it")
	}
	for _, who := range r.Create {
		if who != Program && !role.Role(who).Valid() {
			return fmt.Errorf("create names %q, which is no role of an account, nor %s", who, Program)
		}
	}
	return nil
}

// MayCreate says whether somebody of a role makes rooms of the class. Whoever holds all administrators' powers alone makes
// what an organiser makes.
func (r Rules) MayCreate(who string) bool {
	return len(r.Create) == 0 || slices.Contains(r.Create, who) ||
		who == string(role.Sole) && slices.Contains(r.Create, string(role.Organiser))
}

// Plays says whether a program may watch with a stream key: a player draws no watermark.
func (r Rules) Plays() bool { return r.StreamKeys && !r.Watermark }

// Looser names what after demands less of than before.
func Looser(before, after Rules) []string {
	var out []string
	for _, d := range []struct {
		name  string
		loose bool
	}{
		{"acr", before.Factor.Assurance == token.AssurancePhishingResistant && after.Factor.Assurance != before.Factor.Assurance},
		{"max_age", before.Factor.MaxAge != 0 && (after.Factor.MaxAge == 0 || after.Factor.MaxAge > before.Factor.MaxAge)},
		{"lobby", before.Lobby == LobbyAlways && after.Lobby != LobbyAlways}, // where nobody waits, no guest comes in either
		{"guests", after.Guests && !before.Guests},
		{"e2ee", slices.Index(encryptions, after.Encryption) < slices.Index(encryptions, before.Encryption)},
		{"watermark", before.Watermark && !after.Watermark},
		{"recording", after.Recording && !before.Recording},
		{"stream_keys", after.StreamKeys && !before.StreamKeys},
		{"portals", slices.Index(portals, after.Portals) < slices.Index(portals, before.Portals)},
	} {
		if d.loose {
			out = append(out, d.name)
		}
	}
	return out
}
