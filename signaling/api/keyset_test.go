package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"incamera/auth/keybook"
	"incamera/auth/pki"
	"incamera/auth/token"
)

// Portals find public keys, without a cookie, and nothing else.
func TestTheKeySetIsForEverybodyAndPublic(t *testing.T) {
	w := newWorld(t, httpsURL)
	book := keybook.Book{Store: w.store}
	ask := func() (*httptest.ResponseRecorder, keybook.Set) {
		rec := httptest.NewRecorder()
		w.api.KeySet().ServeHTTP(rec, httptest.NewRequest("GET", KeySetPath, nil))
		var set keybook.Set
		if rec.Code == http.StatusOK {
			must(t, json.Unmarshal(rec.Body.Bytes(), &set))
		}
		return rec, set
	}
	if rec, set := ask(); rec.Code != 200 || len(set.Keys) != 0 || strings.TrimSpace(rec.Body.String()) != `{"keys":[]}` {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	for _, kid := range []string{"one", "two"} {
		must(t, book.Publish(context.Background(), token.PublishedKey{
			PublicKey: pki.PublicKey{Kid: kid, X: "AAAA"}, Signer: "s1", CreatedAt: w.clock(), ActiveAt: w.clock(), ExpiresAt: w.clock().Add(time.Hour),
		}))
	}
	must(t, book.Revoke(context.Background(), "two", w.clock()))
	rec, set := ask()
	if len(set.Keys) != 1 || set.Keys[0] != (keybook.JWK{Type: "OKP", Curve: "Ed25519", Use: "sig", Algorithm: "EdDSA", Kid: "one", X: "AAAA"}) {
		t.Errorf("%+v", set)
	}
	if h := rec.Header(); h.Get("Content-Type") != "application/jwk-set+json" || h.Get("Cache-Control") != "public, max-age=300" {
		t.Error(h)
	}
	w.pass(time.Hour)
	if _, set := ask(); len(set.Keys) != 0 {
		t.Error("a key of which nothing is good any more")
	}
	must(t, w.store.Close())
	if rec, _ := ask(); rec.Code != 500 || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
}
