package dtlskey

import (
	"crypto/sha256"
	"crypto/sha512"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"

	"incamera/sfu/srtp"
)

// Keys are the SRTP master keys and salts of one connection, seen from the
// node: Local (DTLS server) seals, Remote (DTLS client) opens.
type Keys struct {
	Profile               srtp.Profile
	LocalKey, LocalSalt   []byte
	RemoteKey, RemoteSalt []byte
}

// Wipe zeroes the keys. Call it once srtp.NewOut and srtp.NewIn have them.
func (k *Keys) Wipe() {
	for _, b := range [][]byte{k.LocalKey, k.LocalSalt, k.RemoteKey, k.RemoteSalt} {
		clear(b)
	}
}

const exporterLabel = "EXTRACTOR-dtls_srtp"

// derive is the exporter of RFC 5705 with the label of RFC 5764 and the key
// order of its section 4.2: client key, server key, client salt, server salt.
func derive(suite uint16, p srtp.Profile, secret, clientRandom, serverRandom []byte) (Keys, error) {
	keyLen, saltLen := p.KeyLen(), p.SaltLen()
	if keyLen == 0 {
		return Keys{}, ErrNoProfile
	}
	hash := suiteHash(dtls.CipherSuiteID(suite))
	if hash == nil {
		return Keys{}, ErrCipherSuite
	}
	seed := append([]byte(exporterLabel), clientRandom...)
	seed = append(seed, serverRandom...)
	b, err := prf.PHash(secret, seed, 2*(keyLen+saltLen), hash)
	if err != nil {
		return Keys{}, err
	}
	next := func(n int) []byte {
		part := b[:n:n]
		b = b[n:]
		return part
	}
	k := Keys{Profile: p}
	k.RemoteKey, k.LocalKey = next(keyLen), next(keyLen)
	k.RemoteSalt, k.LocalSalt = next(saltLen), next(saltLen)
	return k, nil
}

// suiteHash is the PRF hash of the certificate suites that WebRTC peers use,
// nil for any other. TLS 1.2 takes SHA-256 unless the suite says more.
func suiteHash(id dtls.CipherSuiteID) prf.HashFunc {
	switch id {
	case dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:
		return sha512.New384
	case dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		dtls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, dtls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_128_CCM, dtls.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, dtls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA:
		return sha256.New
	default:
		return nil
	}
}
