package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"

	"incamera/auth/strict"
)

// ProofWant is what a proof must be about: the server's nonce, our audience and the token it comes with.
type ProofWant struct {
	Nonce, Audience, Token string
}

type proofHeader struct {
	Alg string   `json:"alg"`
	Typ string   `json:"typ"`
	JWK proofKey `json:"jwk"`
}

type proofKey struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

type proofClaims struct {
	Nonce    string `json:"nonce"`
	Audience string `json:"aud"`
	TokenSum string `json:"ath"`
	IssuedAt int64  `json:"iat"`
}

// VerifyProof checks a client's proof that it holds a key (JWS ES256, the key in the header) and returns the key's
// RFC 7638 thumbprint, which the caller compares with the token's Key. Tokens without that comparison mean nothing.
func VerifyProof(proof string, want ProofWant, now time.Time) (jkt string, err error) {
	parts, err := strict.Split(proof)
	if errors.Is(err, strict.ErrTooLarge) {
		return "", fail(CodeTooLarge)
	}
	if err != nil {
		return "", fail(CodeMalformed)
	}
	var h proofHeader
	if err := strict.Decode(parts.Header, &h); err != nil {
		return "", fail(CodeHeader)
	}
	if h.Alg != string(jose.ES256) {
		return "", fail(CodeAlgorithm)
	}
	if h.Typ != TypeProof {
		return "", fail(CodeType)
	}
	key, jkt, err := h.JWK.open()
	if err != nil {
		return "", err
	}
	obj, err := jose.ParseSignedCompact(proof, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return "", fail(CodeMalformed)
	}
	payload, err := obj.Verify(key)
	if err != nil {
		return "", fail(CodeSignature)
	}
	var c proofClaims
	if err := strict.Decode(payload, &c); err != nil {
		return "", fail(CodeClaims)
	}
	switch {
	case want.Nonce == "" || c.Nonce != want.Nonce:
		return "", fail(CodeNonce)
	case want.Audience == "" || c.Audience != want.Audience:
		return "", fail(CodeAudience)
	case want.Token == "" || c.TokenSum != TokenSum(want.Token):
		return "", fail(CodeBinding)
	case c.IssuedAt <= 0 || now.Sub(time.Unix(c.IssuedAt, 0)).Abs() > ProofWindow:
		return "", fail(CodeProofTime)
	}
	return jkt, nil
}

// TokenSum is the `ath` of a proof: base64url(SHA-256(token)).
func TokenSum(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// open accepts an uncompressed point on P-256 and nothing else.
func (k proofKey) open() (*ecdsa.PublicKey, string, error) {
	if k.Kty != "EC" || k.Crv != "P-256" {
		return nil, "", fail(CodeHeader)
	}
	x, errX := strict.Base64(k.X)
	y, errY := strict.Base64(k.Y)
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, "", fail(CodeHeader)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, "", fail(CodeHeader)
	}
	return key, Thumbprint(k.X, k.Y), nil
}

// Thumbprint is the RFC 7638 thumbprint of a P-256 key given by its base64url coordinates.
func Thumbprint(x, y string) string {
	return TokenSum(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`)
}
