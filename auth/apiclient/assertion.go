package apiclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"incamera/auth/strict"
)

// MaxLife is how long an assertion may live; Skew how far the client's clock may be off.
const (
	MaxLife = 60 * time.Second
	Skew    = 5 * time.Second
)

// Errors a caller can tell apart. Refusals say nothing about which part was wrong.
var (
	ErrRefused     = errors.New("apiclient: the assertion is refused")
	ErrReplayed    = errors.New("apiclient: the assertion was used before")
	ErrUnavailable = errors.New("apiclient: cannot tell whether the assertion was used before")
	ErrFactor      = errors.New("apiclient: no fresh second factor is asserted for this person")
)

// Once remembers single-use ids for all processes; first is false for an id seen before.
type Once interface {
	Use(ctx context.Context, purpose, id string, keep time.Duration) (first bool, err error)
}

// Clients finds a registered client; any error refuses.
type Clients interface {
	Client(ctx context.Context, id string) (Client, error)
}

// Verifier checks assertions.
type Verifier struct {
	Clients  Clients
	Once     Once
	Audience string // the deployment's public URL
	Now      func() time.Time
}

type claims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	ID        string `json:"jti"`
	Expires   int64  `json:"exp"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf,omitempty"`
}

type header struct {
	Alg string `json:"alg"`
	Typ string `json:"typ,omitempty"`
	Kid string `json:"kid,omitempty"` // libraries set it; it selects nothing here
}

// Verify checks a client assertion: iss = sub = the client's id, aud = Audience, exp at most MaxLife after iat, signed
// with the registered key, jti used once.
func (v Verifier) Verify(ctx context.Context, assertion string) (Client, error) {
	parts, err := strict.Split(assertion)
	if err != nil {
		return Client{}, ErrRefused
	}
	var h header
	if err := strict.Decode(parts.Header, &h); err != nil || (h.Typ != "" && !strings.EqualFold(h.Typ, "JWT")) {
		return Client{}, ErrRefused
	}
	var said claims // not believed until the signature is checked; only the key is looked up by it
	if err := strict.Decode(parts.Payload, &said); err != nil || said.Issuer == "" || len(said.Issuer) > 64 {
		return Client{}, ErrRefused
	}
	client, err := v.Clients.Client(ctx, said.Issuer)
	if err != nil || client.Disabled {
		return Client{}, ErrRefused
	}
	if !signedBy(assertion, h.Alg, client) {
		return Client{}, ErrRefused
	}
	if err := v.judge(said); err != nil {
		return Client{}, err
	}
	first, err := v.Once.Use(ctx, "client-assertion", client.ID+"/"+said.ID, MaxLife+2*Skew)
	switch {
	case err != nil:
		return Client{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case !first:
		return Client{}, ErrReplayed
	}
	return client, nil
}

// signedBy says whether one of the client's registered keys signed. A key that the assertion names is not looked for:
// kid selects nothing, and jku and jwk are refused with the header.
func signedBy(assertion, alg string, c Client) bool {
	for _, text := range []string{c.Key, c.NextKey} {
		if text == "" {
			continue
		}
		key, want, err := parseKey(text)
		if err != nil || alg != string(want) {
			continue
		}
		signed, err := jose.ParseSignedCompact(assertion, []jose.SignatureAlgorithm{want})
		if err != nil {
			return false
		}
		if _, err := signed.Verify(key); err == nil {
			return true
		}
	}
	return false
}

func (v Verifier) judge(c claims) error {
	now, issued, expires := v.Now(), time.Unix(c.IssuedAt, 0), time.Unix(c.Expires, 0)
	switch {
	case c.Subject != c.Issuer, c.Audience != v.Audience, c.ID == "" || len(c.ID) > 128,
		issued.After(now.Add(Skew)), c.NotBefore != 0 && time.Unix(c.NotBefore, 0).After(now.Add(Skew)),
		!expires.After(now.Add(-Skew)), expires.Sub(issued) > MaxLife, expires.Before(issued):
		return ErrRefused
	}
	return nil
}

// strong are the authentication methods (RFC 8176) that count as a second factor.
var strong = map[string]bool{"mfa": true, "otp": true, "hwk": true, "swk": true, "sc": true, "fpt": true, "face": true, "pop": true}

// phishingResistant are those bound to the origin or to a card.
var phishingResistant = map[string]bool{"hwk": true, "sc": true, "pop": true}

// Evidence is what a client says of how its person signed in (OpenID Connect: amr, auth_time).
type Evidence struct {
	Methods  []string
	AuthTime time.Time
}

// Factor checks that the evidence names a second factor given at most maxAge ago, and tells whether it resists
// phishing.
func (e Evidence) Factor(now time.Time, maxAge time.Duration) (resistant bool, err error) {
	any := false
	for _, m := range e.Methods {
		any = any || strong[m]
		resistant = resistant || phishingResistant[m]
	}
	if !any || e.AuthTime.After(now.Add(Skew)) || now.Sub(e.AuthTime) > maxAge {
		return false, ErrFactor
	}
	return resistant, nil
}
