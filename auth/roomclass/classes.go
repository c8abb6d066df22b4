package roomclass

import (
	"errors"
	"fmt"
	"slices"

	"incamera/auth/login"
	"incamera/auth/role"
	"incamera/auth/store"
	"incamera/auth/token"
)

// The classes, in rising order.
const (
	Open         = "open"
	Internal     = "internal"
	Confidential = "confidential"
	Secret       = "secret"
)

// Names lists the classes, the lowest first.
func Names() []string { return []string{Open, Internal, Confidential, Secret} }

// Level is the place of a class among the others; -1 for what is none.
func Level(class string) int { return slices.Index(Names(), class) }

// Classes are the rules of all classes, by name.
type Classes map[string]Rules

// Defaults are the rules of a deployment that says nothing.
func Defaults() Classes {
	mfa := login.Requirement{Assurance: token.AssuranceMFA}
	walkIn := Rules{
		Factor: mfa, Lobby: LobbyGuests, Guests: true, Encryption: EncryptionOptional, Recording: true, StreamKeys: true, Portals: PortalsAny,
	}
	guarded := Rules{Factor: mfa, Lobby: LobbyAlways, Guests: true, Encryption: EncryptionOptional, Watermark: true, Portals: PortalsTrusted}
	sealed := guarded
	sealed.Guests, sealed.Create = false, []string{string(role.Organiser), Program}
	return Classes{Open: walkIn, Internal: walkIn, Confidential: guarded, Secret: sealed}
}

// Validate says what contradicts itself, with the class.
func (c Classes) Validate() error {
	var errs []error
	for _, name := range Names() {
		r, ok := c[name]
		if !ok {
			errs = append(errs, fmt.Errorf("roomclass: no rules for %s", name))
		} else if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("roomclass: %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Of is what a room demands: its class, and what it asks for beyond. A class that nobody knows counts as the highest.
func (c Classes) Of(m store.Room) Rules {
	r, ok := c[m.Class]
	if !ok {
		r = c[Secret]
	}
	r.Factor = r.Factor.And(login.Requirement{Assurance: token.Assurance(m.ACR), MaxAge: m.FactorMaxAge})
	if own := Lobby(m.Lobby); own.Rank() > r.Lobby.Rank() {
		r.Lobby = own
	}
	r.Guests = r.Guests && m.Guests && r.Lobby != LobbyNever
	if m.Watermark {
		r.Watermark, r.Portals = true, PortalsTrusted
	}
	return r
}
