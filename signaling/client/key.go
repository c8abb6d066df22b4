package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"incamera/auth/token"
)

// Key is a client's key as docs/protocol.md §3 has it. Safe for concurrent use.
type Key struct {
	private *ecdsa.PrivateKey
	x, y    string
}

var encode64 = base64.RawURLEncoding.EncodeToString

// NewKey makes one.
func NewKey() (*Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	return &Key{private, encode64(point[1:33]), encode64(point[33:])}, nil
}

// Thumbprint is what tokens are bound to.
func (k *Key) Thumbprint() string { return token.Thumbprint(k.x, k.y) }

// Prove shows that the key is held, for the socket that the nonce came from and the token beside the proof.
func (k *Key) Prove(show, nonce, audience string, now time.Time) (string, error) {
	jwk := fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, k.x, k.y)
	ath := sha256.Sum256([]byte(show))
	body, err := json.Marshal(map[string]any{"nonce": nonce, "aud": audience, "ath": encode64(ath[:]), "iat": now.Unix()})
	if err != nil {
		return "", err
	}
	head := fmt.Sprintf(`{"alg":"ES256","typ":"%s","jwk":%s}`, token.TypeProof, jwk)
	signed := encode64([]byte(head)) + "." + encode64(body)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, sum[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + encode64(signature), nil
}
