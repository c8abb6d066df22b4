package oidc

import (
	"encoding/json"
	"testing"
	"time"
)

// Whatever a signed token says, reading it ends, and evidence is only what is accepted.
func FuzzClaims(f *testing.F) {
	for _, s := range []string{`{}`, `{"amr":["otp"],"auth_time":1}`, `{"amr":"otp","acr":"x","groups":{"a":1}}`, `{"_claim_names":{"groups":"x"}}`,
		`{"auth_time":1e30}`, `{"realm":{"groups":["a"]}}`, `[]`, `null`} {
		f.Add([]byte(s))
	}
	x := &provider{Provider: Provider{SecondFactor: Accepted{AMR: []string{"otp"}}, MaxAge: time.Hour, Claims: ClaimNames{Login: "login", Name: "a.b.c", Groups: "realm.groups"}}}
	now := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := readClaims(func(v any) error { return json.Unmarshal(data, v) })
		if err != nil {
			return
		}
		_, _ = c.text(x.Claims.Login), c.text(x.Claims.Name)
		_, _ = c.groups(x.Claims.Groups)
		_ = x.needsMore(c)
		e := x.evidence(c, now)
		if !e.At.IsZero() && (now.Sub(e.At) > time.Hour || e.Resistant || len(c.AMR) == 0) {
			t.Fatalf("%q is evidence: %+v", data, e)
		}
	})
}
