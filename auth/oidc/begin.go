package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"strconv"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"incamera/auth/store"
)

// Bounds of open trips.
const (
	tripLife   = 10 * time.Minute
	inAll      = 20_000
	perAddress = 200 // an office comes from one address at nine in the morning
)

// Trip is a person on the way to a provider.
type Trip struct {
	Provider string
	Bound    string // hash of the browser's cookie
	Back     string // path to return to
	Login    string // handle of the session that the browser has, "" for none
	Address  netip.Addr
	// Confirms: the trip is the second factor of that session, whose person is User. Links: whoever proves themselves
	// there is to be linked to that person's account.
	Confirms, Links bool
	User            string
	Hint            string // login_hint, where a person has to prove themselves anew
}

// Begin gives the address to send the browser to.
func (p *Providers) Begin(ctx context.Context, t Trip) (string, error) {
	n := 1
	if t.Confirms {
		n = 2 // it asks for the factor at once
	}
	return p.begin(ctx, t, n)
}

// Again sends a person back whose first trip showed no second factor, or an old one: asked for by name this time. ok is
// false where the provider is not one to ask.
func (p *Providers) Again(ctx context.Context, t Trip) (url string, ok bool, err error) {
	x, err := p.find(t.Provider)
	if err != nil || len(x.AskACR) == 0 {
		return "", false, err
	}
	url, err = p.begin(ctx, t, 2)
	return url, err == nil, err
}

func (p *Providers) begin(ctx context.Context, t Trip, n int) (string, error) {
	x, err := p.find(t.Provider)
	if err != nil {
		return "", err
	}
	k, err := x.discover(ctx)
	if err != nil {
		p.outcomes.WithLabelValues(x.Name, "unavailable").Inc()
		return "", err
	}
	state, nonce, verifier := random(), random(), oauth2.GenerateVerifier()
	now, from := p.o.Now(), network(t.Address)
	err = p.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.SignInStates.Sweep(ctx, now); err != nil {
			return err
		}
		all, here, err := s.SignInStates.Count(ctx, from)
		if err != nil {
			return err
		}
		if all >= inAll || here >= perAddress {
			return ErrBusy
		}
		return s.SignInStates.Create(ctx, store.SignInState{
			State: hash(state), Provider: x.Name, Bound: t.Bound, Nonce: nonce, Verifier: verifier, Trip: n, Login: t.Login, User: t.User,
			Back: t.Back, Confirms: t.Confirms, Links: t.Links, Address: from, CreatedAt: now, ExpiresAt: now.Add(tripLife),
		})
	})
	if err != nil {
		return "", err
	}
	ask := []oauth2.AuthCodeOption{
		gooidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier), param("max_age", strconv.Itoa(int(x.MaxAge/time.Second))),
	}
	if n == 2 || t.Links {
		// A provider that goes by a session would link whoever used this browser last.
		ask = append(ask, param("prompt", "login"))
	}
	if n == 2 {
		if len(x.AskACR) > 0 {
			ask = append(ask, param("acr_values", spaced(x.AskACR)), param("claims", x.essential()))
		}
		if t.Hint != "" {
			ask = append(ask, param("login_hint", t.Hint))
		}
	}
	return k.oauth.AuthCodeURL(state, ask...), nil
}

// essential asks for acr and auth_time in the way that a provider may not pass over.
func (x *provider) essential() string {
	b, _ := json.Marshal(map[string]any{"id_token": map[string]any{
		"acr": map[string]any{"essential": true, "values": x.AskACR}, "auth_time": map[string]any{"essential": true},
	}})
	return string(b)
}

func param(name, value string) oauth2.AuthCodeOption { return oauth2.SetAuthURLParam(name, value) }

func spaced(words []string) string {
	out := ""
	for i, w := range words {
		if i > 0 {
			out += " "
		}
		out += w
	}
	return out
}

func random() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// network is what addresses are counted by: IPv4 by the address, IPv6 by /64.
func network(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
