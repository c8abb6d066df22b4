package apiclient_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"

	"incamera/auth/apiclient"
	"incamera/auth/internal/storetest"
)

func TestARegisteredClientIsFoundUntilDisabled(t *testing.T) {
	ctx, r := context.Background(), apiclient.Registry{Store: storetest.SQLite(t)}
	pub, _, _ := ed25519.GenerateKey(rand.Reader)
	key, _ := json.Marshal(map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(pub)})
	c, err := r.Register(ctx, apiclient.Client{Name: "Portal", Key: string(key), Origins: []string{"https://portal.example"}, Scopes: []string{apiclient.ScopeTokens}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Client(ctx, c.ID)
	if err != nil || got.Name != "Portal" || !got.Has(apiclient.ScopeTokens) || got.Has(apiclient.ScopeRooms) || !got.AllowsOrigin("https://portal.example") {
		t.Fatal(got, err)
	}
	if _, err := r.Register(ctx, apiclient.Client{Name: "Portal", Key: string(key), Scopes: []string{"everything"}}); err == nil {
		t.Error("an unknown scope")
	}
	if _, err := r.Register(ctx, apiclient.Client{Name: "Portal", Key: "{}"}); err == nil {
		t.Error("no key")
	}
	if err := r.Disable(ctx, c.ID); err != nil {
		t.Fatal(err)
	}
	if got, _ := r.Client(ctx, c.ID); !got.Disabled || got.Has(apiclient.ScopeTokens) || got.AllowsOrigin("https://portal.example") {
		t.Error(got)
	}
	if _, err := r.Client(ctx, "nosuch"); !errors.Is(err, apiclient.ErrNotFound) {
		t.Error(err)
	}
	if l, err := r.List(ctx); err != nil || len(l) != 1 {
		t.Error(l, err)
	}
}

func TestAClientChangesItsKeyWithoutAPause(t *testing.T) {
	ctx, r := context.Background(), apiclient.Registry{Store: storetest.SQLite(t)}
	key := func() string {
		pub, _, _ := ed25519.GenerateKey(rand.Reader)
		k, _ := json.Marshal(map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(pub)})
		return string(k)
	}
	first, second := key(), key()
	c, err := r.Register(ctx, apiclient.Client{Name: "Portal", Key: first, PerMinute: 7})
	if err != nil || c.Rate() != 7 {
		t.Fatal(c, err)
	}
	name := func(k string) string { n, _ := apiclient.Thumbprint(k); return n }
	if err := r.DropKey(ctx, c.ID, name(first)); !errors.Is(err, apiclient.ErrKeys) {
		t.Error("the only key:", err)
	}
	if err := r.AddKey(ctx, c.ID, first); !errors.Is(err, apiclient.ErrKeys) {
		t.Error("the same key:", err)
	}
	if err := r.AddKey(ctx, c.ID, `{"kty":"oct","k":"AA"}`); err == nil {
		t.Error("a shared secret")
	}
	if err := r.AddKey(ctx, c.ID, second); err != nil {
		t.Fatal(err)
	}
	if err := r.AddKey(ctx, c.ID, key()); !errors.Is(err, apiclient.ErrKeys) {
		t.Error("a third key:", err)
	}
	if got, _ := r.Client(ctx, c.ID); got.Key != first || got.NextKey != second || got.Rate() != 7 {
		t.Error(got)
	}
	if err := r.DropKey(ctx, c.ID, name(key())); !errors.Is(err, apiclient.ErrNotFound) {
		t.Error("another key:", err)
	}
	if err := r.DropKey(ctx, c.ID, name(first)); err != nil {
		t.Fatal(err)
	}
	if got, _ := r.Client(ctx, c.ID); got.Key != second || got.NextKey != "" {
		t.Error(got)
	}
	if _, err := r.Register(ctx, apiclient.Client{Name: "Portal", Key: first, PerMinute: -1}); err == nil {
		t.Error("a negative rate")
	}
}
