package pki

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const keyLabel = "incamera-token-key-v1"

// Key is a signing key of limited life that a process made for itself and vouches for with its identity. It exists in
// that process's memory alone. It is immutable and safe for concurrent use.
type Key struct {
	identity  *Identity
	private   ed25519.PrivateKey
	kid       string
	statement statement
}

// statement is a key as its process vouches for it; it travels in the header of what the key signs.
type statement struct {
	X         string `json:"x"`   // the public key
	NotBefore int64  `json:"nbf"` // from when it signs
	End       int64  `json:"end"` // until when it signs
	Signature string `json:"sig"` // of the process's identity
}

// Window is when a key signs.
type Window struct{ From, Until time.Time }

// PublicKey is what others may know of a Key.
type PublicKey struct {
	Kid string
	X   string // base64url
	Window
}

// NewKey makes a key that signs in the window.
func (id *Identity) NewKey(w Window) (*Key, error) {
	if !w.From.Before(w.Until) {
		return nil, fail(CodeInvalidName, errors.New("window"))
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fail(CodeKeyFile, err)
	}
	s := statement{X: base64.RawURLEncoding.EncodeToString(public), NotBefore: w.From.Unix(), End: w.Until.Unix()}
	k := &Key{identity: id, private: private, kid: kidOf(s.X), statement: s}
	k.statement.Signature = base64.RawURLEncoding.EncodeToString(id.SignBytes(keyLabel, s.signed()))
	return k, nil
}

// kidOf is the RFC 7638 thumbprint of an Ed25519 key: a number for a key, that names no other.
func kidOf(x string) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s statement) signed() []byte {
	return []byte(s.X + " " + strconv.FormatInt(s.NotBefore, 10) + " " + strconv.FormatInt(s.End, 10))
}

// Public is what others may know.
func (k *Key) Public() PublicKey {
	return PublicKey{Kid: k.kid, X: k.statement.X, Window: k.statement.window()}
}

func (s statement) window() Window {
	return Window{time.Unix(s.NotBefore, 0).UTC(), time.Unix(s.End, 0).UTC()}
}

// Sign is Identity.Sign by the key: the header also holds kid and the process's statement about the key.
func (k *Key) Sign(typ string, claims any) (string, error) {
	return compact(k.private, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", k.kid).WithHeader("key", k.statement).
		WithHeader("x5c", k.identity.chain()), claims)
}

// open checks the statement against the identity that is said to vouch for it, and gives the key.
func (s statement) open(kid string, voucher ed25519.PublicKey) (ed25519.PublicKey, error) {
	x, err := base64.RawURLEncoding.Strict().DecodeString(s.X)
	if err != nil || len(x) != ed25519.PublicKeySize || kid != kidOf(s.X) {
		return nil, fail(CodeHeader, nil)
	}
	const year9999 = 253402300799
	if s.NotBefore <= 0 || s.End <= s.NotBefore || s.End > year9999 {
		return nil, fail(CodeHeader, nil)
	}
	sig, err := base64.RawURLEncoding.Strict().DecodeString(s.Signature)
	if err != nil || !ed25519.Verify(voucher, labelled(keyLabel, s.signed()), sig) {
		return nil, fail(CodeKey, nil)
	}
	return x, nil
}
