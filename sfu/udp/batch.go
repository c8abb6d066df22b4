//go:build linux

package udp

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// MaxDatagram is the biggest datagram that Buf gives room for.
	MaxDatagram = 2048

	arenaSize   = 1 << 20
	arenaAlign  = 64 // runs start on a cache line
	maxRuns     = 512
	maxSegments = 16
	maxRunBytes = 65507 // the biggest UDP payload over IPv4
)

// segmentControl is the control message that carries UDP_SEGMENT.
type segmentControl struct {
	hdr  unix.Cmsghdr
	size uint16
	_    [6]byte
}

// Batch collects datagrams in one arena and sends them with as few system
// calls as possible. Owned by one goroutine. Consecutive datagrams to one *Dest
// form GSO runs, so fill it destination by destination. The order per
// destination is the order of the Buf calls.
type Batch struct {
	// static
	socket   *Socket
	send     func(fd uintptr) // b.sendAll, made once so that Flush allocates nothing
	sendmmsg func(fd uintptr, msgs *unix.Mmsghdr, n int) (int, syscall.Errno)
	arena    []byte

	// the runs collected so far; one run is one message
	used     int // of arena
	count    int // datagrams
	runs     int
	msgs     [maxRuns]unix.Mmsghdr
	iovs     [maxRuns]unix.Iovec
	controls [maxRuns]segmentControl
	segments [maxRuns]uint16

	// the last run
	dst    *Dest
	size   int  // of its segments but the last
	closed bool // its last segment is a shorter one

	pending reservation

	// for sending a run segment by segment
	splitMsgs [maxSegments]unix.Mmsghdr
	splitIovs [maxSegments]unix.Iovec
	splitOnes [maxSegments]uint16
	waited    bool // this flush has used up its one wait
	tally     tally
}

// reservation is the datagram of the last Buf.
type reservation struct {
	dst  *Dest
	at   int // in arena
	n    int // 0: none
	join bool
}

// NewBatch makes an empty batch. It owns about 1 MiB.
func (s *Socket) NewBatch() *Batch {
	b := &Batch{socket: s, sendmmsg: sendmmsg, arena: make([]byte, arenaSize)}
	b.send = b.sendAll
	for i := range b.msgs {
		b.msgs[i].Hdr.Iov = &b.iovs[i]
		b.msgs[i].Hdr.SetIovlen(1)
		c := &b.controls[i].hdr
		c.Level, c.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
		c.SetLen(unix.CmsgLen(2))
	}
	for i := range b.splitMsgs {
		b.splitMsgs[i].Hdr.Iov = &b.splitIovs[i]
		b.splitMsgs[i].Hdr.SetIovlen(1)
		b.splitOnes[i] = 1
	}
	return b
}

// Buf reserves the next datagram, n bytes to dst, and returns its bytes to be
// filled before the next call on the batch. What it returned will be sent,
// filled or not, unless Discard takes it back. n is the exact size of the
// datagram, 1..MaxDatagram; other sizes return nil. A full batch is flushed
// first.
func (b *Batch) Buf(dst *Dest, n int) []byte {
	if n < 1 || n > MaxDatagram {
		return nil
	}
	b.commit()
	join := b.joins(dst, n)
	at := b.used
	if !join {
		at = (at + arenaAlign - 1) &^ (arenaAlign - 1)
	}
	if at+n > arenaSize || (!join && b.runs == maxRuns) {
		b.Flush()
		at, join = 0, false
	}
	b.pending = reservation{dst: dst, at: at, n: n, join: join}
	return b.arena[at : at+n : at+n]
}

// joins reports whether a datagram may extend the last run: all segments are
// of equal size, but the last may be shorter.
func (b *Batch) joins(dst *Dest, n int) bool {
	if b.runs == 0 || b.dst != dst || b.closed || n > b.size || !b.socket.offload.GSO() {
		return false
	}
	last := b.runs - 1
	return b.segments[last] < maxSegments && int(b.iovs[last].Len)+n <= maxRunBytes
}

// Discard takes the datagram of the last Buf back, for when sealing failed.
func (b *Batch) Discard() { b.pending.n = 0 }

// commit makes the reservation part of the batch.
func (b *Batch) commit() {
	p := &b.pending
	if p.n == 0 {
		return
	}
	if p.join {
		last := b.runs - 1
		b.iovs[last].SetLen(int(b.iovs[last].Len) + p.n)
		b.segments[last]++
		b.closed = p.n < b.size
	} else {
		i := b.runs
		b.runs++
		b.iovs[i].Base = &b.arena[p.at]
		b.iovs[i].SetLen(p.n)
		h := &b.msgs[i].Hdr
		h.Name, h.Namelen = &p.dst.sa.raw[0], p.dst.sa.len
		b.segments[i] = 1
		b.controls[i].size = uint16(p.n)
		b.dst, b.size, b.closed = p.dst, p.n, false
	}
	b.used = p.at + p.n
	b.count++
	p.n = 0
}

// Len is the number of datagrams not yet sent.
func (b *Batch) Len() int {
	if b.pending.n > 0 {
		return b.count + 1
	}
	return b.count
}

// Flush sends everything. Losses are counted by reason in Counters, never
// returned; an unreachable destination does not harm the others.
func (b *Batch) Flush() {
	b.commit()
	if b.runs > 0 {
		for i := range b.runs {
			h := &b.msgs[i].Hdr
			if b.segments[i] > 1 { // the control message only where there is something to cut
				h.Control = (*byte)(unsafe.Pointer(&b.controls[i]))
				h.SetControllen(unix.CmsgSpace(2))
			} else {
				h.Control = nil
				h.SetControllen(0)
			}
		}
		_ = b.socket.raw.Control(b.send) // fails only when closed: then nobody is waiting
	}
	b.runs, b.used, b.count, b.dst = 0, 0, 0, nil
}
