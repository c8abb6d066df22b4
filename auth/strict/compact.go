package strict

import (
	"encoding/base64"
	"errors"
	"strings"
)

// MaxCompact bounds every signed text before any of it is parsed.
const MaxCompact = 8 << 10

var (
	// ErrTooLarge means the text is longer than MaxCompact.
	ErrTooLarge = errors.New("strict: too large")
	// ErrCompact means the text is not three canonical base64url parts.
	ErrCompact = errors.New("strict: not a compact JWS")
)

// Compact is a split, not yet verified compact JWS.
type Compact struct {
	Header, Payload, Signature []byte
}

var b64 = base64.RawURLEncoding.Strict()

// Split cuts a compact JWS. It accepts one spelling only: three non-empty parts, no padding, no line ends, no
// stray bits after the last byte.
func Split(s string) (Compact, error) {
	if len(s) > MaxCompact {
		return Compact{}, ErrTooLarge
	}
	if strings.Count(s, ".") != 2 || strings.ContainsAny(s, "\r\n") {
		return Compact{}, ErrCompact
	}
	parts := strings.Split(s, ".")
	var c Compact
	for i, dst := range []*[]byte{&c.Header, &c.Payload, &c.Signature} {
		raw, err := b64.DecodeString(parts[i])
		if err != nil || len(raw) == 0 {
			return Compact{}, ErrCompact
		}
		*dst = raw
	}
	return c, nil
}

// Base64 decodes one canonical base64url text.
func Base64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, ErrCompact
	}
	raw, err := b64.DecodeString(s)
	if err != nil {
		return nil, ErrCompact
	}
	return raw, nil
}
