package sfu

import (
	"crypto/hmac"
	"crypto/sha1" // what RFC 8489 section 14.5 asks for; as an HMAC it is sound
	"encoding/binary"
	"hash"
	"net/netip"
	"strings"
)

// STUN as far as the demultiplexer needs it (RFC 8489): a client's binding request names the peer, and proves with the
// password of the answer that it comes from whom the answer was for.
const (
	stunHeader         = 20
	stunMagic          = 0x2112a442
	stunBindingRequest = 0x0001
	stunBindingSuccess = 0x0101
	stunUsername       = 0x0006
	stunIntegrity      = 0x0008
	stunIntegrityLen   = sha1.Size
)

// iceName is the ICE user name and password of an answer (RFC 8445 section 5.3). Owned by the shard's loop.
type iceName struct {
	integrity
	peer  *Peer
	ufrag string
}

// integrity makes and checks MESSAGE-INTEGRITY under one password.
type integrity struct {
	mac  hash.Hash
	sum  [stunIntegrityLen]byte
	head [4]byte
}

func newIntegrity(password string) integrity {
	return integrity{mac: hmac.New(sha1.New, []byte(password))}
}

// newICEName reads the name and the password from an answer. The engine makes new ones for each ICE restart.
func newICEName(answer string) *iceName {
	return &iceName{
		integrity: newIntegrity(attribute(answer, "a=ice-pwd:")),
		ufrag:     attribute(answer, "a=ice-ufrag:"),
	}
}

func attribute(sdp, prefix string) string {
	_, rest, _ := strings.Cut(sdp, prefix)
	value, _, _ := strings.Cut(rest, "\r\n")
	return strings.Clone(value) // the text it stands in is long
}

// of is the value of a message's MESSAGE-INTEGRITY attribute, which begins at an offset: the HMAC covers all before it,
// under a header whose length ends with the attribute (RFC 8489 section 14.5).
func (n *integrity) of(pkt []byte, at int) []byte {
	copy(n.head[:2], pkt)
	binary.BigEndian.PutUint16(n.head[2:], uint16(at+4+stunIntegrityLen-stunHeader))
	n.mac.Reset()
	_, _ = n.mac.Write(n.head[:])
	_, _ = n.mac.Write(pkt[4:at])
	return n.mac.Sum(n.sum[:0])
}

// proves checks the attribute.
func (n *integrity) proves(pkt []byte, at int) bool {
	return hmac.Equal(n.of(pkt, at), pkt[at+4:at+4+stunIntegrityLen])
}

// named gives a peer the user name by which STUN finds it; nil: none any more. The one it had is its former one.
func (p *Peer) named(name *iceName) {
	s := p.shard
	if name != p.ice {
		s.unname(p.former)
		p.former, p.formerUntil = p.ice, s.now+formerFor
	}
	p.picked = netip.AddrPort{}
	if p.ice = name; name != nil {
		name.peer = p
		s.ufrags[name.ufrag] = name
		return
	}
	s.unname(p.former)
	p.former = nil
}

func (s *Shard) unname(name *iceName) {
	if name != nil && s.ufrags[name.ufrag] == name {
		delete(s.ufrags, name.ufrag)
	}
}

// stun takes a binding request. An address is learned only from one that proves the password: anybody who has seen a
// user name could otherwise spend the addresses of its peer. The engine answers it.
func (s *Shard) stun(src netip.AddrPort, pkt []byte) {
	if len(pkt) >= stunHeader && binary.BigEndian.Uint16(pkt) == stunBindingSuccess {
		s.challengeMet(src, pkt)
		return
	}
	user, at, ok := stunUser(pkt)
	if !ok {
		s.drop(dropStun)
		return
	}
	name := s.ufrags[string(user)]
	if name == nil {
		s.drop(dropStun)
		return
	}
	if !name.proves(pkt, at) {
		s.drop(dropStunForged)
		return
	}
	p := name.peer
	if !p.checks.first(s.strays.seed, pkt[8:stunHeader], src) {
		s.drop(dropStunReplayed)
		return
	}
	if name != p.ice {
		s.formerly(p, name, p.link == nil && p.dest != nil && p.dest.Addr() == src && !p.roam.probing, src, pkt, at)
		return
	}
	if s.learn(p, src) {
		p.proven(src)
	}
	switch {
	case p.in != nil:
		p.lastPacket = s.now
	case p.heardAt == 0:
		p.heardAt = s.now
		p.room.foresee(p)
	}
	if !s.consents(p, name, src, pkt, at) && s.control(src, pkt) {
		p.engineHeard = s.now
	}
}

// stunUser finds the receiver's half of the user name in a binding request, and where its integrity attribute begins.
func stunUser(pkt []byte) (user []byte, at int, ok bool) {
	if len(pkt) < stunHeader || binary.BigEndian.Uint16(pkt) != stunBindingRequest {
		return nil, 0, false
	}
	user, at, ok = stunAttributes(pkt)
	return user, at, ok && user != nil
}

// stunAttributes walks a message up to its integrity attribute. user is nil when there is none before it.
func stunAttributes(pkt []byte) (user []byte, integrity int, ok bool) {
	if len(pkt) < stunHeader || binary.BigEndian.Uint32(pkt[4:]) != stunMagic {
		return nil, 0, false
	}
	length := int(binary.BigEndian.Uint16(pkt[2:]))
	if length != len(pkt)-stunHeader || length%4 != 0 {
		return nil, 0, false
	}
	for at := stunHeader; len(pkt)-at >= 4; {
		kind, n := binary.BigEndian.Uint16(pkt[at:]), int(binary.BigEndian.Uint16(pkt[at+2:]))
		value := pkt[at+4:]
		if n > len(value) {
			return nil, 0, false
		}
		switch kind {
		case stunUsername:
			if user = receiverHalf(value[:n]); user == nil {
				return nil, 0, false
			}
		case stunIntegrity: // what follows it is not covered by it
			return user, at, n == stunIntegrityLen
		}
		at = min(len(pkt), at+4+(n+3)&^3)
	}
	return nil, 0, false
}

// receiverHalf is what stands before the colon of an ICE user name; nil: nothing.
func receiverHalf(name []byte) []byte {
	for i, c := range name {
		if c == ':' && i > 0 {
			return name[:i]
		}
		if c == ':' {
			break
		}
	}
	return nil
}
