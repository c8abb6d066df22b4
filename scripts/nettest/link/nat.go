package link

import "encoding/binary"

// NAT gives the UDP ports of a client other numbers, as a home router does, and forgets them when told to. The address
// stays. Only IPv4 is translated; everything else passes as it is.
type NAT struct {
	next    uint16
	outside map[uint16]uint16 // client's port → port seen outside
	inside  map[uint16]uint16
}

// firstOutside is the first port given; below are ports that clients choose themselves rarely.
const firstOutside = 10001

// NewNAT gives a translator that knows no port yet.
func NewNAT() *NAT {
	return &NAT{next: firstOutside, outside: map[uint16]uint16{}, inside: map[uint16]uint16{}}
}

// Rebind forgets every port: the next packet of each gets a new one, and packets to the old ones go nowhere.
func (n *NAT) Rebind() {
	clear(n.outside)
	clear(n.inside)
}

// Out translates a packet of the client in place.
func (n *NAT) Out(packet []byte) {
	at, ok := udpPorts(packet)
	if !ok {
		return
	}
	port := binary.BigEndian.Uint16(packet[at:])
	seen, known := n.outside[port]
	if !known {
		seen = n.next
		n.next++
		if n.next < firstOutside {
			n.next = firstOutside
		}
		n.outside[port], n.inside[seen] = seen, port
	}
	setPort(packet, at, at, seen)
}

// In translates a packet to the client in place and says whether it may pass.
func (n *NAT) In(packet []byte) bool {
	at, ok := udpPorts(packet)
	if !ok {
		return true
	}
	port, known := n.inside[binary.BigEndian.Uint16(packet[at+2:])]
	if known {
		setPort(packet, at, at+2, port)
	}
	return known
}

// udpPorts is where the ports of an unfragmented UDP packet over IPv4 begin.
func udpPorts(p []byte) (int, bool) {
	if len(p) < 28 || p[0]>>4 != 4 || p[9] != 17 || binary.BigEndian.Uint16(p[6:])&0x3fff != 0 {
		return 0, false
	}
	at := int(p[0]&0x0f) * 4
	return at, at >= 20 && len(p) >= at+8
}

// setPort writes a port and mends the checksum by the difference (RFC 1624).
func setPort(p []byte, udp, at int, port uint16) {
	old := binary.BigEndian.Uint16(p[at:])
	binary.BigEndian.PutUint16(p[at:], port)
	sum := binary.BigEndian.Uint16(p[udp+6:])
	if sum == 0 {
		return // the sender left it out
	}
	c := uint32(^sum) + uint32(^old) + uint32(port)
	for c > 0xffff {
		c = c>>16 + c&0xffff
	}
	mended := ^uint16(c)
	if mended == 0 {
		mended = 0xffff
	}
	binary.BigEndian.PutUint16(p[udp+6:], mended)
}
