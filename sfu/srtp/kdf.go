package srtp

import (
	"crypto/aes"
	"encoding/binary"
)

// Labels of the key derivation, RFC 3711 section 4.3.
const (
	labelRTPKey   = 0
	labelRTPSalt  = 2
	labelRTCPKey  = 3
	labelRTCPSalt = 5
)

// derive computes n bytes of session key or salt (AES-CM PRF, key derivation
// rate 0). A 96-bit salt counts as padded with zeros on the right, RFC 7714
// section 11.
func derive(label byte, masterKey, masterSalt []byte, n int) ([]byte, error) {
	block, err := aes.NewCipher(masterKey)
	if err != nil {
		return nil, err
	}
	var x [aes.BlockSize]byte
	copy(x[:14], masterSalt)
	x[7] ^= label
	out := make([]byte, (n+aes.BlockSize-1)/aes.BlockSize*aes.BlockSize)
	for i := 0; i < len(out); i += aes.BlockSize {
		binary.BigEndian.PutUint16(x[14:], uint16(i/aes.BlockSize))
		block.Encrypt(out[i:i+aes.BlockSize], x[:])
	}
	clear(out[n:])
	return out[:n], nil
}
