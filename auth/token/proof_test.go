package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"incamera/auth/token"
)

type client struct {
	key    *ecdsa.PrivateKey
	x, y   string
	header string
}

func newClient(t testing.TB) client {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pt, err := k.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	c := client{key: k, x: b64(pt[1:33]), y: b64(pt[33:])}
	c.header = fmt.Sprintf(`{"alg":"ES256","typ":"incamera-proof+jwt","jwk":{"kty":"EC","crv":"P-256","x":%q,"y":%q}}`, c.x, c.y)
	return c
}

func (c client) sign(header, payload string) string {
	in := b64([]byte(header)) + "." + b64([]byte(payload))
	sum := sha256.Sum256([]byte(in))
	r, s, err := ecdsa.Sign(rand.Reader, c.key, sum[:])
	if err != nil {
		panic(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return in + "." + b64(sig)
}

func proofPayload(nonce, audience, tok string, iat time.Time) string {
	b, _ := json.Marshal(map[string]any{"nonce": nonce, "aud": audience, "ath": token.TokenSum(tok), "iat": iat.Unix()})
	return string(b)
}

func TestAProofShowsTheKeyAndNothingElsePasses(t *testing.T) {
	c, eve := newClient(t), newClient(t)
	want := token.ProofWant{Nonce: "n1", Audience: aud, Token: "tok"}
	good := proofPayload("n1", aud, "tok", t0)
	jkt, err := token.VerifyProof(c.sign(c.header, good), want, t0)
	if err != nil || jkt != token.Thumbprint(c.x, c.y) {
		t.Fatal(jkt, err)
	}
	if j, err := token.VerifyProof(eve.sign(eve.header, good), want, t0); err != nil || j == jkt {
		t.Fatal("another key must show another thumbprint:", j, err)
	}
	h := func(old, new string) string { return strings.Replace(c.header, old, new, 1) }
	offCurve := h(c.y, c.x)
	bad := []struct {
		name, proof string
		want        token.Code
	}{
		{"other nonce", c.sign(c.header, proofPayload("n2", aud, "tok", t0)), token.CodeNonce},
		{"other audience", c.sign(c.header, proofPayload("n1", "https://evil.example", "tok", t0)), token.CodeAudience},
		{"other token", c.sign(c.header, proofPayload("n1", aud, "tok2", t0)), token.CodeBinding},
		{"old", c.sign(c.header, proofPayload("n1", aud, "tok", t0.Add(-61*time.Second))), token.CodeProofTime},
		{"future", c.sign(c.header, proofPayload("n1", aud, "tok", t0.Add(61*time.Second))), token.CodeProofTime},
		{"signed by another key", eve.sign(c.header, good), token.CodeSignature},
		{"alg none", c.sign(h("ES256", "none"), good), token.CodeAlgorithm},
		{"alg HS256", c.sign(h("ES256", "HS256"), good), token.CodeAlgorithm},
		{"alg EdDSA", c.sign(h("ES256", "EdDSA"), good), token.CodeAlgorithm},
		{"typ JWT", c.sign(h("incamera-proof+jwt", "JWT"), good), token.CodeType},
		{"typ room", c.sign(h("incamera-proof+jwt", token.TypeRoom), good), token.CodeType},
		{"off the curve", c.sign(offCurve, good), token.CodeHeader},
		{"P-384", c.sign(h("P-256", "P-384"), good), token.CodeHeader},
		{"OKP", c.sign(h(`"EC"`, `"OKP"`), good), token.CodeHeader},
		{"private key in header", c.sign(h(`"kty"`, `"d":"AAAA","kty"`), good), token.CodeHeader},
		{"kid", c.sign(h(`"alg"`, `"kid":"1","alg"`), good), token.CodeHeader},
		{"x5c", c.sign(h(`"alg"`, `"x5c":[],"alg"`), good), token.CodeHeader},
		{"crit", c.sign(h(`"alg"`, `"crit":["x"],"alg"`), good), token.CodeHeader},
		{"short coordinate", c.sign(h(c.x, c.x[:40]), good), token.CodeHeader},
		{"no jwk", c.sign(`{"alg":"ES256","typ":"incamera-proof+jwt"}`, good), token.CodeHeader},
		{"unknown claim", c.sign(c.header, strings.TrimSuffix(good, "}")+`,"x":1}`), token.CodeClaims},
		{"claim twice", c.sign(c.header, strings.TrimSuffix(good, "}")+`,"nonce":"n1"}`), token.CodeClaims},
		{"no iat", c.sign(c.header, `{"nonce":"n1","aud":"a","ath":"b"}`), token.CodeClaims},
		{"dots", strings.Repeat(".", 1_000_000), token.CodeTooLarge},
		{"empty", "", token.CodeMalformed},
	}
	for _, b := range bad {
		if _, err := token.VerifyProof(b.proof, want, t0); token.CodeOf(err) != b.want {
			t.Errorf("%s: %v, expected %s", b.name, err, b.want)
		}
	}
	if _, err := token.VerifyProof(c.sign(c.header, proofPayload("", "", "", t0)), token.ProofWant{}, t0); err == nil {
		t.Error("an empty want must accept nothing")
	}
}

func FuzzVerifyProof(f *testing.F) {
	c := newClient(f)
	good := c.sign(c.header, proofPayload("n1", aud, "tok", t0))
	f.Add(good)
	f.Add("..")
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := token.VerifyProof(s, token.ProofWant{Nonce: "n1", Audience: aud, Token: "tok"}, t0); err != nil && token.CodeOf(err) == "" {
			t.Fatalf("untyped: %v", err)
		}
	})
}

func FuzzTokens(f *testing.F) {
	w := newWorld(f)
	honest := map[string]bool{}
	for _, s := range w.honest(f) {
		f.Add(s)
		honest[s] = true
	}
	f.Add("e30.e30.e30")
	f.Fuzz(func(t *testing.T, s string) {
		for kind, verify := range w.verifiers() {
			if err := verify(s); err == nil && !honest[s] {
				t.Fatalf("accepted as %s: %q", kind, s)
			} else if err != nil && token.CodeOf(err) == "" {
				t.Fatalf("untyped: %v", err)
			}
		}
	})
}
