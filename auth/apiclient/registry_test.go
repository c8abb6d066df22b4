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
