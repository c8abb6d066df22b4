package apiclient

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Client is a registered API client.
type Client struct {
	ID   string
	Name string
	// Key is the public JWK: Ed25519 or P-256.
	Key string
	// NextKey is a second one, while the client changes from one to the other; empty: none.
	NextKey string
	// PerMinute is how many requests the client may make; DefaultPerMinute when 0.
	PerMinute int
	// Origins are the web origins its pages join from ("https://portal.example"); empty for programs without pages.
	Origins []string
	// Scopes are what the client may do; none means everything a client may do.
	Scopes   []string
	Disabled bool
	// Trusted clients' own pages enter rooms with a watermark: whoever runs them answers for its being drawn.
	Trusted bool
}

// Bounds of a registration.
const (
	maxName    = 100
	maxKey     = 2048
	maxOrigins = 20

	mostPerMinute = 60_000
)

// DefaultPerMinute is how many requests a client may make when its registration does not say.
const DefaultPerMinute = 600

// Rate is how many requests a minute the client may make.
func (c Client) Rate() int {
	if c.PerMinute == 0 {
		return DefaultPerMinute
	}
	return c.PerMinute
}

// Validate reports what a registration may not be.
func (c Client) Validate() error {
	if c.Name == "" || len(c.Name) > maxName {
		return fmt.Errorf("apiclient: the name must have 1 to %d bytes", maxName)
	}
	if _, _, err := parseKey(c.Key); err != nil {
		return err
	}
	if c.NextKey != "" {
		if _, _, err := parseKey(c.NextKey); err != nil {
			return err
		}
	}
	if c.PerMinute < 0 || c.PerMinute > mostPerMinute {
		return fmt.Errorf("apiclient: a client makes 1 to %d requests a minute", mostPerMinute)
	}
	if len(c.Origins) > maxOrigins {
		return fmt.Errorf("apiclient: more than %d origins", maxOrigins)
	}
	for _, o := range c.Origins {
		if !validOrigin(o) {
			return fmt.Errorf("apiclient: %q is not a web origin (scheme://host[:port])", o)
		}
	}
	return nil
}

// AllowsOrigin says whether pages of this origin may join with the client's tokens.
func (c Client) AllowsOrigin(origin string) bool {
	return !c.Disabled && slices.Contains(c.Origins, origin)
}

func validOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		u.Path == "" && u.RawQuery == "" && u.Fragment == "" && s == strings.ToLower(s)
}

// errKey never quotes the key: people paste private ones.
var errKey = errors.New("apiclient: the key must be a public JWK, Ed25519 or P-256")

// Thumbprint names a key (RFC 7638), for lists and commands.
func Thumbprint(jwk string) (string, error) {
	var k jose.JSONWebKey
	if _, _, err := parseKey(jwk); err != nil {
		return "", err
	}
	if err := json.Unmarshal([]byte(jwk), &k); err != nil {
		return "", errKey
	}
	sum, err := k.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

func parseKey(text string) (key any, alg jose.SignatureAlgorithm, err error) {
	if len(text) > maxKey {
		return nil, "", errKey
	}
	var jwk jose.JSONWebKey
	if err := json.Unmarshal([]byte(text), &jwk); err != nil || !jwk.Valid() || !jwk.IsPublic() {
		return nil, "", errKey
	}
	switch k := jwk.Key.(type) {
	case ed25519.PublicKey:
		return k, jose.EdDSA, nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return k, jose.ES256, nil
		}
	}
	return nil, "", errKey
}
