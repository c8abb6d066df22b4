package sfu

import (
	"crypto/rand"
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"time"

	"incamera/sfu/offer"
)

// A lite agent makes no connectivity checks (RFC 8445 section 2.5), and none are needed to agree on a pair. But a client
// that does not know that its NAT has another port for it proves the new one only with its next consent check, up to
// 2.5 s later in Chromium, 5 s in Firefox. So the node asks there itself, as QUIC does with PATH_CHALLENGE (RFC 9000
// section 8.2): the client has to answer a binding request at any time (RFC 8445 section 7.3), under its own password.
const (
	challengeEvery   = 100 * time.Millisecond
	stunPriority     = 0x0024
	stunControlled   = 0x8029
	stunFingerprint  = 0x8028
	fingerprintXOR   = 0x5354554e
	challengeUserMax = 2*256 + 1
)

// challenger is the client's half of ICE: what a binding request to it needs. Owned by the shard's loop.
type challenger struct {
	integrity
	user string // the client's name, then the node's
	buf  []byte
}

func newChallenger(o *offer.Offer, local string) *challenger {
	return &challenger{integrity: newIntegrity(o.Password), user: o.Ufrag + ":" + local}
}

// request makes a binding request with a transaction.
func (c *challenger) request(transaction [12]byte) []byte {
	b := binary.BigEndian.AppendUint16(c.buf[:0], stunBindingRequest)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, stunMagic)
	b = append(b, transaction[:]...)
	attribute := func(kind uint16, value []byte) {
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
		b = append(b, value...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	attribute(stunUsername, []byte(c.user))
	attribute(stunControlled, transaction[:8])
	attribute(stunPriority, []byte{0x6e, 0, 0, 0xff})
	attribute(stunIntegrity, c.of(b, len(b)))
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)+8-stunHeader))
	attribute(stunFingerprint, binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)^fingerprintXOR))
	c.buf = b
	return b
}

// challenge asks at the new address whether the client is there. It is paid from what came from there.
func (p *Peer) challenge() {
	r, s := &p.roam, p.shard
	if p.challenger == nil || len(p.challenger.user) > challengeUserMax || s.now < r.asked {
		return
	}
	if r.asked == 0 {
		_, _ = rand.Read(r.transaction[:])
	}
	request := p.challenger.request(r.transaction)
	if !r.spend(len(request)) {
		return
	}
	r.asked = s.now + challengeEvery
	if buf := s.batch.Buf(p.dest, len(request)); buf != nil {
		copy(buf, request)
	}
}

// challengeMet takes a success response. Only those to our own requests are expected, from where they were sent.
func (s *Shard) challengeMet(src netip.AddrPort, pkt []byte) {
	p := s.addrs[src]
	if p == nil || !p.roam.probing || p.roam.asked == 0 || p.dest.Addr() != src || string(pkt[8:stunHeader]) != string(p.roam.transaction[:]) {
		s.drop(dropStun)
		return
	}
	_, at, ok := stunAttributes(pkt)
	if !ok || !p.challenger.proves(pkt, at) {
		s.drop(dropStunForged)
		return
	}
	p.proven(src)
}
