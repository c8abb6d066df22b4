package oidc

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"incamera/auth/login"
)

// skew is how far a provider's clock may be off.
const skew = time.Minute

// claims is what a verified token says.
type claims struct {
	Subject  string
	AZP      string
	SID      string
	ACR      string
	AMR      []string
	AuthTime time.Time // zero: not said

	all   map[string]json.RawMessage
	names map[string]json.RawMessage // _claim_names: claims that are elsewhere
}

var errClaims = errors.New("a claim is of another kind than it must be")

func readClaims(decode func(any) error) (*claims, error) {
	c := &claims{}
	if err := decode(&c.all); err != nil {
		return nil, err
	}
	for name, to := range map[string]*string{"azp": &c.AZP, "sid": &c.SID, "acr": &c.ACR} {
		if raw, ok := c.all[name]; ok && json.Unmarshal(raw, to) != nil {
			return nil, errClaims
		}
	}
	if len(c.SID) > 256 {
		return nil, errClaims
	}
	var err error
	if c.AMR, err = list(c.all["amr"]); err != nil {
		return nil, err
	}
	if raw, ok := c.all["auth_time"]; ok {
		var at float64
		if json.Unmarshal(raw, &at) != nil || at < 0 || at > 1<<40 {
			return nil, errClaims
		}
		c.AuthTime = time.Unix(int64(at), 0)
	}
	if raw, ok := c.all["_claim_names"]; ok && json.Unmarshal(raw, &c.names) != nil {
		return nil, errClaims
	}
	return c, nil
}

// add takes over what was not said yet, but for what only a token of this sign-in may say.
func (c *claims) add(decode func(any) error) error {
	var more map[string]json.RawMessage
	if err := decode(&more); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, errClaims)
	}
	for name, raw := range more {
		if _, said := c.all[name]; !said {
			c.all[name] = raw
		}
	}
	return nil
}

// find gives a claim by its name, or by a path of names with dots between.
func (c *claims) find(path string) (json.RawMessage, bool) {
	if raw, ok := c.all[path]; ok || path == "" {
		return raw, ok
	}
	at := c.all
	parts := strings.Split(path, ".")
	for i, part := range parts {
		raw, ok := at[part]
		if !ok || i == len(parts)-1 {
			return raw, ok
		}
		at = nil
		if json.Unmarshal(raw, &at) != nil {
			return nil, false
		}
	}
	return nil, false
}

func (c *claims) text(path string) string {
	raw, _ := c.find(path)
	var s string
	if json.Unmarshal(raw, &s) != nil || len(s) > 1024 {
		return ""
	}
	return s
}

// groups gives the groups of a person. Where the provider says that they are elsewhere, nobody comes in: a rule may deny
// by one that was not told.
func (c *claims) groups(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	raw, ok := c.find(path)
	if !ok {
		if _, elsewhere := c.names[path]; elsewhere {
			return nil, fmt.Errorf("%w: too many groups to tell: let it name only those of this application", ErrRefused)
		}
		return nil, nil
	}
	l, err := list(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return l, nil
}

// list reads a list of texts, or one text.
func list(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		return many, nil
	}
	var one string
	if json.Unmarshal(raw, &one) != nil {
		return nil, errClaims
	}
	return []string{one}, nil
}

// needsMore says whether the ID token leaves out what the provider was configured to say.
func (x *provider) needsMore(c *claims) bool {
	for _, path := range []string{x.Claims.Login, x.Claims.Name, x.Claims.Groups} {
		if _, ok := c.find(path); path != "" && !ok {
			if _, elsewhere := c.names[path]; !elsewhere {
				return true
			}
		}
	}
	return false
}

// evidence is the second factor that claims show, if they show one that is accepted and recent. Without auth_time
// nobody knows how old it is, so it is none.
func (x *provider) evidence(c *claims, now time.Time) login.Evidence {
	resistant := x.Resistant.by(c.ACR, c.AMR)
	if !resistant && !x.SecondFactor.by(c.ACR, c.AMR) || c.AuthTime.IsZero() || now.Sub(c.AuthTime) > x.MaxAge {
		return login.Evidence{}
	}
	e := login.Evidence{At: c.AuthTime, Resistant: resistant}
	for _, m := range c.AMR {
		if len(e.Methods) < 8 && len(m) <= 32 && strings.Trim(m, "abcdefghijklmnopqrstuvwxyz0123456789_-") == "" {
			e.Methods = append(e.Methods, m)
		}
	}
	return e
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
