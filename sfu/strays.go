package sfu

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"time"
)

const (
	marksPerSSRC = 4  // peers that may use one SSRC: 1 is many a receiver's
	marksPerPeer = 16 // SSRCs by which one peer is found
	triesPerNet  = 20 // keys tried per second for one address, or one /64
	triesInAll   = 1000
	tryBuckets   = 256
	checksKept   = 128 // STUN transactions remembered of one peer: those of some minutes
)

// strays finds the peers that a packet from an unknown address may belong to. Owned by the shard's loop.
type strays struct {
	peers   map[uint32][marksPerSSRC]*Peer // by SSRC that was authentic
	seed    maphash.Seed                   // so that nobody can choose whom they share a bucket with
	second  time.Duration                  // of all that follows
	tries   int
	buckets [tryBuckets]uint8
}

func newStrays() strays {
	return strays{peers: map[uint32][marksPerSSRC]*Peer{}, seed: maphash.MakeSeed()}
}

// mark notes that a peer uses an SSRC. Full lists stay as they are: such a peer is found again by its STUN.
func (s *strays) mark(p *Peer, ssrc uint32) {
	for _, known := range p.marks[:p.marked] {
		if known == ssrc {
			return
		}
	}
	if p.marked == len(p.marks) {
		return
	}
	list := s.peers[ssrc]
	for i, other := range list {
		if other == nil {
			list[i] = p
			s.peers[ssrc] = list
			p.marks[p.marked] = ssrc
			p.marked++
			return
		}
	}
}

func (s *strays) forget(p *Peer) {
	for _, ssrc := range p.marks[:p.marked] {
		list, left := s.peers[ssrc], false
		for i := range list {
			if list[i] == p {
				list[i] = nil
			}
			left = left || list[i] != nil
		}
		if s.peers[ssrc] = list; !left {
			delete(s.peers, ssrc)
		}
	}
	p.marked = 0
}

// allow takes one try for a source.
func (s *strays) allow(src netip.Addr, now time.Duration) bool {
	if second := now / time.Second; second != s.second {
		s.second, s.tries, s.buckets = second, 0, [tryBuckets]uint8{}
	}
	b := src.As16()
	part := b[:]
	if !src.Unmap().Is4() {
		part = b[:8]
	}
	bucket := &s.buckets[maphash.Bytes(s.seed, part)%tryBuckets]
	if *bucket >= triesPerNet || s.tries >= triesInAll {
		return false
	}
	*bucket++
	s.tries++
	return true
}

// checks are the STUN transactions seen of a peer. A request that was recorded on its way proves nothing about another
// address: a transaction belongs to the address that it first came from.
type checks struct {
	next int
	seen [checksKept]struct{ id, src uint64 }
}

// first is false for a transaction that came from another address before.
func (c *checks) first(seed maphash.Seed, transaction []byte, src netip.AddrPort) bool {
	id, from := binary.BigEndian.Uint64(transaction[4:]), maphash.Comparable(seed, src)
	for i := range c.seen {
		if c.seen[i].id == id {
			return c.seen[i].src == from
		}
	}
	c.seen[c.next].id, c.seen[c.next].src = id, from
	c.next = (c.next + 1) % checksKept
	return true
}
