package apiclient

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Two keys are good at a time, also of different kinds; a dropped one and one that the assertion brings are not.
func TestBothKeysOfAClientSignAndNoOther(t *testing.T) {
	oldPublic, old, _ := ed25519.GenerateKey(rand.Reader)
	next, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	client := register(t, oldPublic)
	jwk, err := json.Marshal(jose.JSONWebKey{Key: &next.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	verify := func(c Client, a string) error {
		v := Verifier{Clients: one(c), Once: seen{}, Audience: audience, Now: func() time.Time { return now }}
		_, err := v.Verify(context.Background(), a)
		return err
	}
	both := client
	both.NextKey = string(jwk)
	dropped := client
	dropped.Key = string(jwk)
	for name, c := range map[string]struct {
		client Client
		a      string
		ok     bool
	}{
		"the old key, of two":  {both, sign(t, jose.EdDSA, old, good(), nil), true},
		"the next key, of two": {both, sign(t, jose.ES256, next, good(), nil), true},
		"a third":              {both, sign(t, jose.EdDSA, stranger, good(), nil), false},
		"the next, not yet":    {client, sign(t, jose.ES256, next, good(), nil), false},
		"the old, dropped":     {dropped, sign(t, jose.EdDSA, old, good(), nil), false},
		"the next, alone":      {dropped, sign(t, jose.ES256, next, good(), nil), true},
		"a key by URL":         {both, sign(t, jose.EdDSA, old, good(), map[string]any{"jku": "https://portal.example/jwks.json"}), false},
		"a certificate by URL": {both, sign(t, jose.EdDSA, old, good(), map[string]any{"x5u": "https://portal.example/c"}), false},
		"the other's name":     {both, sign(t, jose.EdDSA, stranger, good(), map[string]any{"kid": "next"}), false},
	} {
		if err := verify(c.client, c.a); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
