package api

import (
	"encoding/json"
	"net/http"

	"incamera/auth/keybook"
)

// KeySetPath is where portals find the public keys by which tokens are signed.
const KeySetPath = "/.well-known/jwks.json"

// keySetAge is how long the document may be kept; keys are published three times as long before they sign.
const keySetAge = "public, max-age=300"

// KeySet answers KeySetPath: a JWK set, for anybody.
func (a *API) KeySet() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		set, err := keybook.Set{}, a.spend(r, a.all, "all")
		if err == nil {
			set, err = keybook.Book{Store: a.store}.Document(r.Context(), a.now())
		}
		if err != nil {
			a.answer(w, r, 0, nil, err)
			return
		}
		a.metrics.requests.WithLabelValues(r.Pattern, class(http.StatusOK)).Inc()
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", keySetAge)
		_ = json.NewEncoder(w).Encode(set) // the client is gone when this fails
	})
}
