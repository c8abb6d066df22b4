package peer

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"strings"

	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
)

// Identity is a certificate that all clients of a generator share: making one costs more than a handshake.
type Identity struct {
	certificate tls.Certificate
	fingerprint string
}

// NewIdentity makes one.
func NewIdentity() (*Identity, error) {
	c, err := selfsign.GenerateSelfSigned()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(c.Certificate[0])
	var parts []string
	for _, b := range sum {
		parts = append(parts, strings.ToUpper(hex.EncodeToString([]byte{b})))
	}
	return &Identity{c, strings.Join(parts, ":")}, nil
}
