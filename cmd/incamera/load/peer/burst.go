//go:build linux

package peer

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	burstMost = 64
	burstSize = 1500
)

// Burst is the memory of packets that leave together, of one client at a time: one call of the kernel for all, or one
// message that it cuts. Whoever sends for many clients has one. Not for concurrent use.
type Burst struct {
	n    int
	msgs [burstMost]unix.Mmsghdr
	iovs [burstMost]unix.Iovec
	bufs [burstMost][burstSize]byte
	cut  struct {
		hdr  unix.Cmsghdr
		size uint16
		_    [6]byte
	}
}

// Add seals a packet of a client into the burst: a finished header, its payload, and the number that the header's is the
// end of. False when the burst is full, or the client has no keys.
func (b *Burst) Add(p *Peer, header, payload []byte, ssrc uint32, index uint64) bool {
	if b.n == burstMost {
		return false
	}
	s := &p.sealer
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		return false
	}
	buf := b.bufs[b.n][:]
	n, err := s.out.Seal(buf, copy(buf, header), payload, ssrc, uint32(index>>16), uint16(index))
	if err != nil {
		return false
	}
	b.iovs[b.n].Base = &buf[0]
	b.iovs[b.n].SetLen(n)
	h := &b.msgs[b.n].Hdr
	h.Iov, h.Control = &b.iovs[b.n], nil
	h.SetIovlen(1)
	h.SetControllen(0)
	b.n++
	return true
}

// Send hands the burst over and empties it; as a run, when all packets have one size, it is a single message for the
// kernel to cut, as a network card with GRO would hand it over. It gives how many packets were taken.
func (b *Burst) Send(p *Peer, run bool) (sent int) {
	n := b.n
	b.n = 0
	if n == 0 {
		return 0
	}
	msgs, each := b.msgs[:n], 1
	if run && n > 1 {
		h := &b.msgs[0].Hdr
		h.SetIovlen(n)
		b.cut.hdr.Level, b.cut.hdr.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
		b.cut.hdr.SetLen(unix.CmsgLen(2))
		b.cut.size = uint16(b.iovs[0].Len)
		h.Control = (*byte)(unsafe.Pointer(&b.cut))
		h.SetControllen(unix.CmsgSpace(2))
		msgs, each = b.msgs[:1], n
	}
	taken, _ := p.inbox.socket.SendMany(msgs) // a closed socket takes nothing: the client is leaving
	return taken * each
}
