package sfu

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"time"
)

// A client asks every two to five seconds whether it may still send (RFC 7675), for as long as the meeting lasts. The
// engine would take each request through four goroutines to say the same as before. So the shard answers it; the engine
// gets one in a while, and all that might change something.
const (
	engineEvery      = 10 * time.Second // as often the engine must hear of a client, for its own clocks
	formerFor        = 30 * time.Second // that the names from before an ICE restart are good for
	stunMapped       = 0x0020
	stunUseCandidate = 0x0025
	stunRequired     = 0x8000 // what is below must be understood
)

// consents answers a binding request whose integrity was checked, from the address that the engine has selected. False:
// the engine has to see it.
func (s *Shard) consents(p *Peer, name *iceName, src netip.AddrPort, pkt []byte, at int) bool {
	if p.in == nil || p.state != stateConnected || name != p.ice || src != p.picked || p.dest == nil || p.dest.Addr() != src ||
		p.roam.probing || s.now-p.engineHeard >= engineEvery || !ordinary(pkt, at) {
		return false
	}
	answer := name.success(s.scratch.build[:0], pkt, src)
	if buf := s.batch.Buf(p.dest, len(answer)); buf != nil {
		copy(buf, answer)
		s.counts.consents.Add(1)
	}
	return true
}

// formerly answers a client that asks under the names from before an ICE restart, whether it may still send as it does. The
// engine has forgotten them, but the client knows the new ones only when the answer has reached it: where packets are lost
// that takes seconds, and a client that is not answered stops sending. They are good for nothing else, above all not for
// another way than the one in use.
func (s *Shard) formerly(p *Peer, name *iceName, inUse bool, src netip.AddrPort, pkt []byte, at int) {
	if !inUse || p.in == nil || name != p.former || s.now >= p.formerUntil || !ordinary(pkt, at) {
		s.drop(dropStun)
		return
	}
	p.lastPacket = s.now
	answer := name.success(s.scratch.build[:0], pkt, src)
	if buf := p.buffer(len(answer)); buf != nil {
		copy(buf, answer)
		s.counts.consents.Add(1)
	}
}

// ordinary says that a request asks for nothing but an answer: that it names the selected pair once more changes nothing.
func ordinary(pkt []byte, integrity int) bool {
	for at := stunHeader; at < integrity; {
		kind, n := binary.BigEndian.Uint16(pkt[at:]), int(binary.BigEndian.Uint16(pkt[at+2:]))
		switch {
		case kind == stunUsername || kind == stunPriority || kind == stunUseCandidate:
		case kind < stunRequired || kind == stunControlled: // unknown, or a conflict of roles
			return false
		}
		at += 4 + (n+3)&^3
	}
	return true
}

// success appends the answer to a binding request: where it came from (RFC 8489 section 14.2), under the same password.
func (n *iceName) success(b, request []byte, src netip.AddrPort) []byte {
	b = binary.BigEndian.AppendUint16(b, stunBindingSuccess)
	b = append(b, 0, 0)
	b = append(b, request[4:stunHeader]...) // the cookie, and the transaction
	ip, family := src.Addr().Unmap(), byte(1)
	addr := ip.As16()
	from := len(addr) - 4
	if ip.Is6() {
		family, from = 2, 0
	}
	b = binary.BigEndian.AppendUint16(b, stunMapped)
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(addr)-from))
	b = append(b, 0, family)
	b = binary.BigEndian.AppendUint16(b, src.Port()^stunMagic>>16)
	for i, c := range addr[from:] {
		b = append(b, c^request[4+i])
	}
	at := len(b)
	b = append(b, 0, stunIntegrity, 0, stunIntegrityLen)
	b = append(b, n.of(b, at)...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)+8-stunHeader))
	crc := crc32.ChecksumIEEE(b) ^ fingerprintXOR
	b = binary.BigEndian.AppendUint16(b, stunFingerprint)
	b = append(b, 0, 4)
	return binary.BigEndian.AppendUint32(b, crc)
}
