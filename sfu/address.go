package sfu

import (
	"net/netip"
	"time"
)

// proofLife is how long a STUN request proves an address: the time of RFC 7675 section 5.1 for consent.
const proofLife = 30 * time.Second

// remote is an address that a client has sent from.
type remote struct {
	addr   netip.AddrPort
	proven time.Duration // when an integrity-checked STUN request last came from there, 0: never
}

// learn remembers where a peer sends from. An address belongs to its first peer until that one is silent: two
// transports on one remote address would otherwise take it from each other. False when it belongs to another peer.
func (s *Shard) learn(p *Peer, src netip.AddrPort) bool {
	if known := s.addrs[src]; known != nil {
		if known == p {
			return true
		}
		if known.in != nil && s.now-known.lastPacket < 2*time.Second && known.dest != nil && known.dest.Addr() == src {
			return false
		}
		known.forget(src)
	}
	if len(p.addrs) == maxAddrs {
		p.forget(p.oldest())
	}
	p.addrs = append(p.addrs, remote{addr: src})
	s.addrs[src], s.lastFrom = p, nil
	return true
}

// oldest is the address to forget first: none that is sent to, or gone back to.
func (p *Peer) oldest() netip.AddrPort {
	for _, a := range p.addrs {
		if (p.dest == nil || a.addr != p.dest.Addr()) && (p.roam.back == nil || a.addr != p.roam.back.Addr()) {
			return a.addr
		}
	}
	return p.addrs[0].addr
}

func (p *Peer) forget(addr netip.AddrPort) {
	for i, a := range p.addrs {
		if a.addr == addr {
			p.addrs = append(p.addrs[:i], p.addrs[i+1:]...)
			break
		}
	}
	if p.shard.addrs[addr] == p {
		delete(p.shard.addrs, addr)
		p.shard.lastFrom = nil
	}
}

// isProven says whether somebody who knows the password was at an address lately.
func (p *Peer) isProven(addr netip.AddrPort) bool {
	for _, a := range p.addrs {
		if a.addr == addr {
			return a.proven != 0 && p.shard.now-a.proven < proofLife
		}
	}
	return false
}

// proven notes an integrity-checked STUN request. It ends the probation of an address that media has moved to.
func (p *Peer) proven(addr netip.AddrPort) {
	for i := range p.addrs {
		if p.addrs[i].addr == addr {
			p.addrs[i].proven = p.shard.now
		}
	}
	if p.roam.probing && p.dest.Addr() == addr {
		p.roam.probing, p.roam.back = false, nil
		p.tellPath()
	}
}

// selected is the engine's pair: a client has nominated it.
func (s *Shard) selected(p *Peer, addr netip.AddrPort) {
	if p.state == stateClosed {
		return
	}
	dest, err := s.socket.Dest(addr)
	if err != nil {
		s.log.Warn("peer address out of reach", "error", err)
		return
	}
	if p.dest == nil || p.dest.Addr() != addr {
		s.node.metrics.ways.chosen(s.node.pathOf(addr), addr.Addr())
		p.otherPath()
	}
	p.picked = addr
	p.dest, p.link, p.roam.probing, p.roam.back = dest, nil, false, nil
	if s.learn(p, addr) {
		p.proven(addr)
	}
	p.tellPath()
}
