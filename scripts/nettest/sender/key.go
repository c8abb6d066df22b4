package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// key is a client's key as docs/protocol.md §3 has it.
type key struct {
	private *ecdsa.PrivateKey
	x, y    string
}

var b64 = base64.RawURLEncoding.EncodeToString

func newKey() (*key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	return &key{private, b64(point[1:33]), b64(point[33:])}, nil
}

func (k *key) jwk() string {
	return fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, k.x, k.y)
}

func (k *key) thumbprint() string {
	sum := sha256.Sum256([]byte(k.jwk()))
	return b64(sum[:])
}

func (k *key) prove(token, nonce, audience string) (string, error) {
	head, err := json.Marshal(map[string]any{"alg": "ES256", "typ": "incamera-proof+jwt", "jwk": json.RawMessage(k.jwk())})
	if err != nil {
		return "", err
	}
	ath := sha256.Sum256([]byte(token))
	body, err := json.Marshal(map[string]any{"nonce": nonce, "aud": audience, "ath": b64(ath[:]), "iat": time.Now().Unix()})
	if err != nil {
		return "", err
	}
	signed := b64(head) + "." + b64(body)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, sum[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + b64(signature), nil
}
