package sfu

import (
	"encoding/binary"
	"net/netip"
)

// STUN as far as the demultiplexer needs it (RFC 8489): a client's binding request names the peer.
const (
	stunHeader         = 20
	stunMagic          = 0x2112a442
	stunBindingRequest = 0x0001
	stunUsername       = 0x0006
)

// demux sends a datagram where its first byte says (RFC 7983).
func (s *Shard) demux(src netip.AddrPort, pkt []byte) {
	if len(pkt) == 0 {
		s.drop(dropGarbage)
		return
	}
	switch b := pkt[0]; {
	case b >= 128 && b <= 191:
		s.media(src, pkt)
	case b <= 3:
		s.stun(src, pkt)
	case b >= 20 && b <= 63:
		p := s.addrs[src]
		if p == nil {
			s.drop(dropDTLS)
			return
		}
		s.control(src, pkt)
	default:
		s.drop(dropGarbage)
	}
}

// stun learns the peer from the user name and lets the engine do the rest, authentication included.
func (s *Shard) stun(src netip.AddrPort, pkt []byte) {
	name, ok := stunUser(pkt)
	if !ok {
		s.drop(dropStun)
		return
	}
	p := s.ufrags[string(name)]
	if p == nil {
		s.drop(dropStun)
		return
	}
	s.learn(p, src)
	if p.in != nil {
		p.lastPacket = s.now
	}
	s.control(src, pkt)
}

func (s *Shard) control(src netip.AddrPort, pkt []byte) {
	if !s.ctrl.feed(src, pkt) {
		s.drop(dropCtrlFull)
	}
}

// stunUser finds the receiver's half of the user name in a binding request.
func stunUser(pkt []byte) ([]byte, bool) {
	if len(pkt) < stunHeader || binary.BigEndian.Uint16(pkt) != stunBindingRequest ||
		binary.BigEndian.Uint32(pkt[4:]) != stunMagic {
		return nil, false
	}
	length := int(binary.BigEndian.Uint16(pkt[2:]))
	if length != len(pkt)-stunHeader || length%4 != 0 {
		return nil, false
	}
	for rest := pkt[stunHeader:]; len(rest) >= 4; {
		kind, n := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if n > len(rest)-4 {
			return nil, false
		}
		if kind == stunUsername {
			for i, c := range rest[4 : 4+n] {
				if c == ':' {
					return rest[4 : 4+i], i > 0
				}
			}
			return nil, false
		}
		rest = rest[min(len(rest), 4+(n+3)&^3):]
	}
	return nil, false
}
