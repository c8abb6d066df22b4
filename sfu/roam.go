package sfu

import (
	"encoding/binary"
	"net/netip"
	"time"

	"incamera/media/rtp"
	"incamera/sfu/udp"
)

// A client's address may change under it: its NAT forgets a binding, or it comes to another network. Its next STUN
// request would tell, but that may be seconds away, and its media is there at once. So an authentic packet that is the
// newest of its stream moves the transport to where it came from. Whoever holds a packet back and sends it from
// elsewhere could do the same, so until a STUN request from there proves the password (RFC 8445 section 7.3), little is
// sent there, and it lasts a short time: as with QUIC (RFC 9000 section 9.3), which has the same problem.
const (
	probation     = 3 * time.Second
	probationGain = 3           // bytes sent per byte received, as in RFC 9000 section 8
	settling      = time.Second // packets of one move may overtake each other for this long
)

// roam is a peer's last move.
type roam struct {
	at   time.Duration // 0: it never moved
	ssrc uint32        // whose packet moved it

	probing bool // the address is not proven yet
	credit  int  // bytes that may still be sent there
	until   time.Duration
	back    *udp.Dest // the last proven one

	asked       time.Duration // when the client is asked there again, 0: it was not yet
	transaction [12]byte
}

func (r *roam) earn(bytes int) { r.credit += probationGain * bytes }

func (r *roam) spend(bytes int) bool {
	if r.credit < bytes {
		return false
	}
	r.credit -= bytes
	return true
}

// elsewhere says that an address is not where the peer is sent to. A peer that is reached by a stream never moves.
func (p *Peer) elsewhere(src netip.AddrPort) bool {
	return p.dest != nil && src.IsValid() && p.dest.Addr() != src
}

// authentic notes a packet that the keys have opened. newest: it came from elsewhere, and none sent later has come.
func (p *Peer) authentic(src netip.AddrPort, ssrc uint32, size int, newest bool) {
	p.heard()
	p.shard.strays.mark(p, ssrc)
	if newest {
		p.follow(src, ssrc, size)
	} else if p.roam.probing && !p.elsewhere(src) {
		p.roam.earn(size)
	}
}

// follow moves the peer to where its newest packet came from.
func (p *Peer) follow(src netip.AddrPort, ssrc uint32, size int) {
	s := p.shard
	r := &p.roam
	if r.at != 0 && s.now-r.at < settling && r.ssrc != ssrc {
		return // sent before the move, in another stream, on a slower path
	}
	dest, err := s.socket.Dest(src)
	if err != nil || !s.learn(p, src) {
		return
	}
	back := p.dest
	if r.probing {
		back = r.back
	}
	*r = roam{at: s.now, ssrc: ssrc}
	p.dest = dest
	p.otherPath()
	if back.Addr() != src && !p.isProven(src) {
		r.probing, r.back, r.until = true, back, s.now+probation
		p.soon()
		r.earn(size)
		p.challenge()
	}
	p.tellPath()
	if p.signal != nil {
		p.signal.nominate(src)
	}
	s.counts.moves.Add(1)
}

// goBack returns from an address that nobody has proven in time.
func (p *Peer) goBack() {
	gone := p.dest.Addr()
	p.dest = p.roam.back
	p.otherPath()
	p.roam = roam{}
	p.forget(gone)
	p.shard.counts.movesBack.Add(1)
}

// stray takes media from an address that no peer is known at: that of a client that was moved, or anything. The SSRC
// tells which few peers it may be, and only then is a key tried, at a bounded rate.
func (s *Shard) stray(src netip.AddrPort, pkt []byte) {
	rtcp := isRTCP(pkt)
	if len(pkt) < 12 || len(pkt) > len(s.scratch.rtcp) {
		s.drop(dropUnknownAddress)
		return
	}
	at := 8
	if rtcp {
		at = 4
	}
	ssrc := binary.BigEndian.Uint32(pkt[at:])
	peers, ok := s.strays.peers[ssrc]
	if !ok {
		s.drop(dropUnknownAddress)
		return
	}
	if !s.strays.allow(src.Addr(), s.now) {
		s.drop(dropStrayLimit)
		return
	}
	for _, p := range peers {
		if p == nil || p.in == nil || p.dest == nil {
			continue
		}
		if rtcp && s.strayRTCP(p, src, ssrc, pkt) || !rtcp && s.strayRTP(p, src, pkt) {
			return
		}
	}
	s.drop(dropUnknownAddress)
}

func (s *Shard) strayRTP(p *Peer, src netip.AddrPort, pkt []byte) bool {
	h := &s.scratch.hdr
	if rtp.ParseHeader(pkt, h) != nil || !p.in.Newest(h.SSRC, h.Seq) {
		return false
	}
	n, index, err := p.in.Open(s.scratch.plain[:], pkt, h.HeaderLen)
	if err != nil {
		return false
	}
	s.in.packets++
	s.in.bytes += uint64(len(pkt))
	p.authentic(src, h.SSRC, len(pkt), true)
	s.opened(p, p.streams[h.SSRC], s.scratch.plain[:n], index)
	return true
}

func (s *Shard) strayRTCP(p *Peer, src netip.AddrPort, ssrc uint32, pkt []byte) bool {
	if !p.in.NewestRTCP(pkt) {
		return false
	}
	n, err := p.in.OpenRTCP(s.scratch.rtcp[:], pkt)
	if err != nil {
		return false
	}
	p.authentic(src, ssrc, len(pkt), true)
	s.reports(p, s.scratch.rtcp[:n])
	return true
}
