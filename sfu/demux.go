package sfu

import "net/netip"

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
		if farewell(pkt) {
			p.saysFarewell()
		}
		if !p.loose { // else nobody there would read it
			s.control(src, pkt)
		}
	default:
		s.drop(dropGarbage)
	}
}

// control hands a datagram to the engine.
func (s *Shard) control(src netip.AddrPort, pkt []byte) bool {
	ok := s.ctrl.feed(src, pkt)
	if !ok {
		s.drop(dropCtrlFull)
	}
	return ok
}
