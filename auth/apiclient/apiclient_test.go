package apiclient

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const audience = "https://meet.example"

var now = time.Unix(1_800_000_000, 0)

type seen map[string]bool

func (s seen) Use(_ context.Context, purpose, id string, _ time.Duration) (bool, error) {
	first := !s[purpose+id]
	s[purpose+id] = true
	return first, nil
}

type one Client

func (o one) Client(_ context.Context, id string) (Client, error) {
	if id != o.ID {
		return Client{}, errors.New("unknown")
	}
	return Client(o), nil
}

func register(t testing.TB, public crypto.PublicKey) Client {
	t.Helper()
	key, err := json.Marshal(jose.JSONWebKey{Key: public})
	if err != nil {
		t.Fatal(err)
	}
	c := Client{ID: "c_portal", Name: "Portal", Key: string(key), Origins: []string{"https://portal.example"}}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

func sign(t testing.TB, alg jose.SignatureAlgorithm, key any, claims map[string]any, head map[string]any) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType("JWT")
	for k, v := range head {
		o = o.WithHeader(jose.HeaderKey(k), v)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	payload, _ := json.Marshal(claims)
	j, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := j.CompactSerialize()
	return text
}

func good() map[string]any {
	return map[string]any{
		"iss": "c_portal", "sub": "c_portal", "aud": audience, "jti": "1", "iat": now.Unix(), "exp": now.Unix() + 60,
	}
}

func TestAnAssertionAdmitsOnceForBothKeyKinds(t *testing.T) {
	edPublic, ed, _ := ed25519.GenerateKey(rand.Reader)
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	for alg, pair := range map[jose.SignatureAlgorithm][2]any{jose.EdDSA: {edPublic, ed}, jose.ES256: {&ec.PublicKey, ec}} {
		v := Verifier{Clients: one(register(t, pair[0])), Once: seen{}, Audience: audience, Now: func() time.Time { return now }}
		a := sign(t, alg, pair[1], good(), map[string]any{"kid": "whatever"})
		if c, err := v.Verify(context.Background(), a); err != nil || c.Name != "Portal" {
			t.Fatalf("%s: %+v, %v", alg, c, err)
		}
		if _, err := v.Verify(context.Background(), a); !errors.Is(err, ErrReplayed) {
			t.Errorf("%s again: %v", alg, err)
		}
	}
}

func TestHostileAssertionsAreRefused(t *testing.T) {
	public, key, _ := ed25519.GenerateKey(rand.Reader)
	_, other, _ := ed25519.GenerateKey(rand.Reader)
	client := register(t, public)
	with := func(change map[string]any) map[string]any {
		c := good()
		maps.Copy(c, change)
		for k, v := range c {
			if v == nil {
				delete(c, k)
			}
		}
		return c
	}
	jwk, _ := json.Marshal(jose.JSONWebKey{Key: other.Public()})
	for name, a := range map[string]string{
		"another key":                   sign(t, jose.EdDSA, other, good(), nil),
		"symmetric with the public key": sign(t, jose.HS256, []byte(public), good(), nil),
		"no algorithm":                  "eyJhbGciOiJub25lIn0.eyJpc3MiOiJjX3BvcnRhbCJ9.AA",
		"empty":                         "",
		"a key of its own":              sign(t, jose.EdDSA, other, good(), map[string]any{"jwk": json.RawMessage(jwk)}),
		"a key by URL":                  sign(t, jose.EdDSA, other, good(), map[string]any{"jku": "https://evil.example"}),
		"another type":                  sign(t, jose.EdDSA, key, good(), map[string]any{"typ": "incamera-room+jwt"}),
		"unknown client":                sign(t, jose.EdDSA, key, with(map[string]any{"iss": "c_x", "sub": "c_x"}), nil),
		"another subject":               sign(t, jose.EdDSA, key, with(map[string]any{"sub": "u_admin"}), nil),
		"another audience":              sign(t, jose.EdDSA, key, with(map[string]any{"aud": "https://other.example"}), nil),
		"a list of audiences":           sign(t, jose.EdDSA, key, with(map[string]any{"aud": []string{audience}}), nil),
		"no id":                         sign(t, jose.EdDSA, key, with(map[string]any{"jti": nil}), nil),
		"empty id":                      sign(t, jose.EdDSA, key, with(map[string]any{"jti": ""}), nil),
		"no expiry":                     sign(t, jose.EdDSA, key, with(map[string]any{"exp": nil}), nil),
		"expired":                       sign(t, jose.EdDSA, key, with(map[string]any{"iat": now.Unix() - 70, "exp": now.Unix() - 10}), nil),
		"from the future":               sign(t, jose.EdDSA, key, with(map[string]any{"iat": now.Unix() + 30, "exp": now.Unix() + 60}), nil),
		"not yet":                       sign(t, jose.EdDSA, key, with(map[string]any{"nbf": now.Unix() + 30}), nil),
		"lives too long":                sign(t, jose.EdDSA, key, with(map[string]any{"exp": now.Unix() + 61}), nil),
		"ends before it starts":         sign(t, jose.EdDSA, key, with(map[string]any{"exp": now.Unix() - 1}), nil),
		"unknown claim":                 sign(t, jose.EdDSA, key, with(map[string]any{"role": "admin"}), nil),
	} {
		v := Verifier{Clients: one(client), Once: seen{}, Audience: audience, Now: func() time.Time { return now }}
		if _, err := v.Verify(context.Background(), a); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	v := Verifier{Clients: one(client), Once: seen{}, Audience: audience, Now: func() time.Time { return now }}
	if _, err := v.Verify(context.Background(), sign(t, jose.EdDSA, key, good(), nil)); err != nil {
		t.Error("the control: an honest assertion is refused:", err)
	}
	client.Disabled = true
	v = Verifier{Clients: one(client), Once: seen{}, Audience: audience, Now: func() time.Time { return now }}
	if _, err := v.Verify(context.Background(), sign(t, jose.EdDSA, key, good(), nil)); !errors.Is(err, ErrRefused) {
		t.Errorf("disabled: %v", err)
	}
}

func TestASecondFactorMustBeNamedAndFresh(t *testing.T) {
	for _, c := range []struct {
		methods   []string
		age       time.Duration
		resistant bool
		ok        bool
	}{
		{[]string{"pwd", "otp"}, time.Minute, false, true},
		{[]string{"mfa"}, time.Hour, false, true},
		{[]string{"hwk"}, 0, true, true},
		{[]string{"pwd"}, 0, false, false},
		{nil, 0, false, false},
		{[]string{"sms"}, 0, false, false},
		{[]string{"mfa"}, time.Hour + time.Second, false, false},
		{[]string{"mfa"}, -time.Minute, false, false},
	} {
		got, err := Evidence{c.methods, now.Add(-c.age)}.Factor(now, time.Hour)
		if (err == nil) != c.ok || (c.ok && got != c.resistant) {
			t.Errorf("%v, %s: %v, %v", c.methods, c.age, got, err)
		}
	}
}

func TestRegistrationsAreChecked(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	ok := register(t, public)
	secret, _ := json.Marshal(jose.JSONWebKey{Key: private})
	shared, _ := json.Marshal(jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef")})
	for name, change := range map[string]func(*Client){
		"no name":       func(c *Client) { c.Name = "" },
		"private key":   func(c *Client) { c.Key = string(secret) },
		"shared secret": func(c *Client) { c.Key = string(shared) },
		"no key":        func(c *Client) { c.Key = "" },
		"wildcard":      func(c *Client) { c.Origins = []string{"*"} },
		"null":          func(c *Client) { c.Origins = []string{"null"} },
		"with a path":   func(c *Client) { c.Origins = []string{"https://a.example/x"} },
		"upper case":    func(c *Client) { c.Origins = []string{"https://A.example"} },
	} {
		c := ok
		change(&c)
		if err := c.Validate(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if !ok.AllowsOrigin("https://portal.example") || ok.AllowsOrigin("https://portal.example.evil.example") {
		t.Error("origins")
	}
}

func FuzzVerify(f *testing.F) {
	public, key, _ := ed25519.GenerateKey(rand.Reader)
	client := register(f, public)
	a := sign(f, jose.EdDSA, key, good(), nil)
	f.Add(a)
	f.Add(a[:len(a)-1])
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		v := Verifier{Clients: one(client), Once: seen{}, Audience: audience, Now: func() time.Time { return now }}
		if _, err := v.Verify(context.Background(), text); err == nil && text != a {
			t.Fatalf("accepted %q", text)
		}
	})
}
