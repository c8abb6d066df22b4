package split

import "encoding/binary"

// Kind is what a connection turned out to be.
type Kind uint8

// Kinds.
const (
	More    Kind = iota // too few bytes to tell
	Unknown             // nothing that is served here
	HTTP
	TLS    // a ClientHello: what is within is told after the handshake
	Framed // STUN behind its length (RFC 4571): ICE over TCP
	Relay  // plain STUN: a client of the relay
	Relays // the same within TLS
	numKinds
)

var kindNames = [numKinds]string{"more", "unknown", "http", "tls", "ice_tcp", "turn_tcp", "turn_tls"}

func (k Kind) String() string { return kindNames[k] }

const (
	enough    = 10 // bytes tell all kinds apart
	stunMagic = 0x2112a442
)

// Tell says what a connection is by its first bytes. With enough of them it never answers More.
//
//	0x16 0x03                      a TLS record with a handshake
//	'A' to 'Z'                     a method of HTTP
//	2 bytes type, 2 length, magic  STUN (RFC 8489)
//	2 bytes length, then STUN      framed STUN
func Tell(b []byte) Kind {
	switch {
	case len(b) == 0:
		return More
	case b[0] >= 'A' && b[0] <= 'Z':
		return HTTP
	case b[0] == 0x16:
		if len(b) < 2 {
			return More
		}
		if b[1] == 3 {
			return TLS
		}
		return Unknown
	case b[0] > 3:
		return Unknown
	case len(b) >= 8 && binary.BigEndian.Uint32(b[4:]) == stunMagic:
		return Relay
	case len(b) < enough:
		return More
	case b[2] <= 3 && binary.BigEndian.Uint32(b[6:]) == stunMagic:
		return Framed
	}
	return Unknown
}
