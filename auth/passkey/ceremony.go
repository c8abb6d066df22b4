package passkey

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"incamera/auth/store"
)

// The kinds of ceremony: an answer to one is worth nothing in another.
const (
	kindSignIn  = "sign_in"
	kindConfirm = "confirm"
	kindEnrol   = "enrol"
	kindReset   = "reset"
)

// begin stores a fresh challenge for a browser (a random value in its cookie, hashed by the caller) or a web session.
func (k *Keys) begin(ctx context.Context, kind, bound string, address netip.Addr) (challenge []byte, err error) {
	challenge = make([]byte, 32)
	rand.Read(challenge)
	now, from := k.o.Now(), network(address)
	err = k.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Ceremonies.Sweep(ctx, now); err != nil {
			return err
		}
		if err := s.Ceremonies.Keep(ctx, bound, perBrowser-1); err != nil {
			return err
		}
		all, here, err := s.Ceremonies.Count(ctx, from)
		if err != nil {
			return err
		}
		if all >= inAll || here >= perAddress {
			return ErrBusy
		}
		return s.Ceremonies.Create(ctx, store.Ceremony{
			Challenge: encode(challenge), Kind: kind, Bound: bound, Address: from, CreatedAt: now, ExpiresAt: now.Add(life),
		})
	})
	if errors.Is(err, ErrBusy) {
		k.count(kind, "busy")
	}
	return challenge, err
}

// take uses up the challenge that an answer's client data names. An answer that fails later has used it all the same.
func (k *Keys) take(ctx context.Context, kind, bound string, clientData []byte) (challenge string, err error) {
	var said struct {
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(clientData, &said) != nil || len(said.Challenge) != 43 {
		return "", ErrRefused
	}
	err = k.o.Store.Ceremonies.Take(ctx, said.Challenge, kind, bound, k.o.Now())
	if errors.Is(err, store.ErrNotFound) {
		return "", ErrCeremony
	}
	return said.Challenge, err
}

// session is what the library compares an answer with.
func (k *Keys) session(challenge string, user []byte) webauthn.SessionData {
	return webauthn.SessionData{
		Challenge: challenge, RelyingPartyID: k.rp.Config.RPID, UserID: user, UserVerification: protocol.VerificationRequired, CredParams: algorithms,
	}
}

// timeout is what browsers are told; the challenge is over then.
const timeout = int(life / time.Millisecond)

// network is what addresses are counted by: IPv4 by the address, IPv6 by /64.
func network(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// Sweep removes what is over; call it now and then.
func (k *Keys) Sweep(ctx context.Context) error { return k.o.Store.Ceremonies.Sweep(ctx, k.o.Now()) }

func (k *Keys) count(kind, outcome string) { k.outcomes.WithLabelValues(kind, outcome).Inc() }

// done counts how a ceremony ended.
func (k *Keys) done(kind string, err error) error {
	outcome := "failed"
	switch {
	case err == nil:
		outcome = "ok"
	case errors.Is(err, ErrCeremony):
		outcome = "over"
	case errors.Is(err, ErrBlocked):
		outcome = "blocked"
	case errors.Is(err, ErrRefused):
		outcome = "refused"
	}
	k.count(kind, outcome)
	return err
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(s string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(s) }
