package srtp

import (
	"errors"
	"fmt"
)

// Profile is a DTLS-SRTP protection profile by its IANA number.
type Profile uint16

// The profiles that are spoken here, best first.
const (
	ProfileAES128GCM Profile = 0x0007 // AEAD_AES_128_GCM
	ProfileAES256GCM Profile = 0x0008 // AEAD_AES_256_GCM
	ProfileAES128CM  Profile = 0x0001 // SRTP_AES128_CM_HMAC_SHA1_80
)

// Errors of this package. Seal and Open return these values unwrapped, so
// they can be compared with == and counted as a bounded label (see Reason).
var (
	ErrProfile        = errors.New("srtp: unsupported protection profile")
	ErrKeyLength      = errors.New("srtp: wrong master key or salt length")
	ErrNonceReuse     = errors.New("srtp: packet index not above the stream's last one")
	ErrExhausted      = errors.New("srtp: no packet indexes left under this key")
	ErrTooManyStreams = errors.New("srtp: too many outgoing streams")
	ErrTooManySources = errors.New("srtp: too many incoming sources")
	ErrMalformed      = errors.New("srtp: malformed packet")
	ErrShortBuffer    = errors.New("srtp: destination buffer too short")
	ErrReplayed       = errors.New("srtp: replayed or too old packet")
	ErrAuth           = errors.New("srtp: authentication failed")
	ErrUnencrypted    = errors.New("srtp: unencrypted SRTCP refused")
)

// Reason is a short constant name of an error of this package, for use as a
// metric label.
func Reason(err error) string {
	switch err {
	case nil:
		return "none"
	case ErrNonceReuse:
		return "nonce_reuse"
	case ErrExhausted:
		return "exhausted"
	case ErrTooManyStreams:
		return "too_many_streams"
	case ErrTooManySources:
		return "too_many_sources"
	case ErrMalformed:
		return "malformed"
	case ErrShortBuffer:
		return "short_buffer"
	case ErrReplayed:
		return "replayed"
	case ErrAuth:
		return "auth"
	case ErrUnencrypted:
		return "unencrypted"
	default:
		return "other"
	}
}

// Profiles lists the supported profiles in the order in which the node, being
// the DTLS server, prefers them.
func Profiles() []Profile {
	return []Profile{ProfileAES128GCM, ProfileAES256GCM, ProfileAES128CM}
}

// String is the name as in metrics and logs.
func (p Profile) String() string {
	switch p {
	case ProfileAES128GCM:
		return "aead_aes_128_gcm"
	case ProfileAES256GCM:
		return "aead_aes_256_gcm"
	case ProfileAES128CM:
		return "aes128_cm_hmac_sha1_80"
	default:
		return fmt.Sprintf("profile_0x%04x", uint16(p))
	}
}

// KeyLen is the length of the master key in bytes, 0 for an unknown profile.
func (p Profile) KeyLen() int {
	switch p {
	case ProfileAES128GCM, ProfileAES128CM:
		return 16
	case ProfileAES256GCM:
		return 32
	default:
		return 0
	}
}

// SaltLen is the length of the master salt in bytes, 0 for an unknown profile.
func (p Profile) SaltLen() int {
	switch p {
	case ProfileAES128GCM, ProfileAES256GCM:
		return 12
	case ProfileAES128CM:
		return 14
	default:
		return 0
	}
}

// Overhead is by how many bytes a sealed RTP packet is longer than the plain
// one.
func (p Profile) Overhead() int {
	if p == ProfileAES128CM {
		return 10
	}
	return 16
}

// RTCPOverhead is by how many bytes a sealed RTCP packet is longer than the
// plain one.
func (p Profile) RTCPOverhead() int { return p.Overhead() + 4 }
