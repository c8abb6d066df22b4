package whip

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/go-jose/go-jose/v4"

	"incamera/auth/token"
)

// key is the one that a session enters with; it is never used again.
type key struct {
	private *ecdsa.PrivateKey
	jkt     string
}

func newKey() (*key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	text := base64.RawURLEncoding.EncodeToString
	return &key{private: private, jkt: token.Thumbprint(text(point[1:33]), text(point[33:]))}, nil
}

// prove says that the bearer of a room token holds the key it is bound to.
func (k *key) prove(nonce, audience, roomToken string, now time.Time) (string, error) {
	o := (&jose.SignerOptions{EmbedJWK: true}).WithType(token.TypeProof)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.private}, o)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(map[string]any{
		"nonce": nonce, "aud": audience, "ath": token.TokenSum(roomToken), "iat": now.Unix(),
	})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
