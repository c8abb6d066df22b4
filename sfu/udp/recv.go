//go:build linux

package udp

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	rxMessages = 64
	rxBuffer   = 64 << 10 // a GRO message is up to one IP packet
	// rxStride keeps the starts of the buffers from falling into the same
	// cache sets: 64 KiB plus 19 cache lines, more than a packet touches.
	rxStride  = rxBuffer + 19*64
	rxControl = 64 // UDP_GRO and SO_RXQ_OVFL, 24 bytes each
)

// rxCmsgs is where the kernel writes one message's control messages.
type rxCmsgs struct {
	_ [0]unix.Cmsghdr // for its alignment
	b [rxControl]byte
}

// rxRing is the preset memory of recvmmsg.
type rxRing struct {
	// static
	socket *Socket
	read   func(fd uintptr) bool // r.tryRecv, made once so that no call allocates
	poll   func(fd uintptr)
	buf    []byte

	msgs  [rxMessages]unix.Mmsghdr
	iovs  [rxMessages]unix.Iovec
	names [rxMessages][unix.SizeofSockaddrInet6]byte
	ctl   [rxMessages]rxCmsgs

	// of the last call
	got   int
	errno syscall.Errno

	overflow uint32 // the kernel's last SO_RXQ_OVFL count
}

func newRxRing(s *Socket) *rxRing {
	r := &rxRing{socket: s, buf: make([]byte, rxMessages*rxStride)}
	r.read = r.tryRecv
	r.poll = func(fd uintptr) { r.tryRecv(fd) }
	for i := range r.msgs {
		r.iovs[i].Base = &r.buf[i*rxStride]
		r.iovs[i].SetLen(rxBuffer)
		h := &r.msgs[i].Hdr
		h.Name, h.Namelen = &r.names[i][0], unix.SizeofSockaddrInet6
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Control = &r.ctl[i].b[0]
		h.SetControllen(rxControl)
	}
	return r
}

// tryRecv is one recvmmsg. False means nothing was there.
func (r *rxRing) tryRecv(fd uintptr) bool {
	// One retry more than there can be pending socket errors and signals.
	for range 4 {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd,
			uintptr(unsafe.Pointer(&r.msgs)), rxMessages, unix.MSG_DONTWAIT, 0, 0)
		r.got, r.errno = int(n), errno
		switch errno {
		case 0:
			return true
		case unix.EAGAIN:
			r.got, r.errno = 0, 0
			return false
		case unix.EINTR, unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH:
			r.got, r.errno = 0, 0 // an answer to something sent, not our trouble
		default:
			r.got = 0
			return true
		}
	}
	return true
}

// Recv waits until datagrams are there, the deadline has passed (zero: no
// deadline), or Wake was called; then hands at most one batch of 64 messages
// to h and returns the number of datagrams. A deadline in the past polls. The
// error is nil, also for a deadline or a wake (n is 0), or net.ErrClosed after
// Close, or a fatal error of the socket. One goroutine at a time.
func (s *Socket) Recv(deadline time.Time, h Handler) (n int, err error) {
	r := s.rx
	r.got, r.errno = 0, 0
	wait, err := s.arm(deadline)
	switch {
	case err != nil:
	case wait:
		err = s.raw.Read(r.read)
	default:
		err = s.raw.Control(r.poll)
	}
	s.woken.Store(false)
	switch {
	case err == nil && r.errno == 0:
	case errors.Is(err, os.ErrDeadlineExceeded):
	case s.closed.Load():
		return 0, net.ErrClosed
	case err != nil:
		return 0, err
	default:
		return 0, r.errno
	}
	if r.got == 0 {
		return 0, nil
	}
	return r.deliver(h), nil
}

// arm sets the deadline of the coming wait. It is false when there is nothing
// to wait for: the deadline has passed or a wake is pending.
func (s *Socket) arm(deadline time.Time) (wait bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.woken.Load() {
		return false, nil
	}
	if !deadline.IsZero() && time.Until(deadline) <= 0 {
		return false, nil // the poller would time out without looking
	}
	if deadline.Equal(s.deadline) {
		return true, nil
	}
	if err := s.file.SetReadDeadline(deadline); err != nil {
		return false, err
	}
	s.deadline = deadline
	return true, nil
}

// Wake makes the running Recv, or else the next one, return at once. Wakes
// before a return count as one. What was queued before Wake is visible to the
// loop after Recv returns. Safe for concurrent use.
func (s *Socket) Wake() {
	if s.woken.Swap(true) {
		return // the pending wake is still to come
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = longAgo
	_ = s.file.SetReadDeadline(longAgo) // fails only when closed
}

// deliver hands the received messages to h, splitting coalesced ones.
func (r *rxRing) deliver(h Handler) (datagrams int) {
	c := &r.socket.counters
	var total uint64
	for i := range r.msgs[:r.got] {
		m := &r.msgs[i]
		pkt := r.buf[i*rxStride:][:m.Len]
		segment := r.segment(i, len(pkt))
		if m.Hdr.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
			c.Dropped[DropTruncated].Add(1)
			pkt = nil
		}
		src := addrPort(&r.names[i], m.Hdr.Namelen)
		m.Hdr.Namelen = unix.SizeofSockaddrInet6
		m.Hdr.SetControllen(rxControl)
		total += uint64(len(pkt))
		for len(pkt) > 0 {
			k := min(segment, len(pkt))
			h.Datagram(src, pkt[:k:k])
			pkt = pkt[k:]
			datagrams++
		}
	}
	c.RxCalls.Add(1)
	c.RxMessages.Add(uint64(r.got))
	c.RxDatagrams.Add(uint64(datagrams))
	c.RxBytes.Add(total)
	if datagrams > 0 {
		h.Drained()
	}
	return datagrams
}

// segment is the size of the datagrams in message i, which is size bytes long.
// On the way it notes the kernel's drop count.
func (r *rxRing) segment(i, size int) int {
	ctl := r.ctl[i].b[:min(int(r.msgs[i].Hdr.Controllen), rxControl)]
	for len(ctl) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&ctl[0]))
		n := int(h.Len)
		if n < unix.SizeofCmsghdr || n > len(ctl) {
			break
		}
		data := ctl[unix.SizeofCmsghdr:n]
		switch {
		case h.Level == unix.IPPROTO_UDP && h.Type == unix.UDP_GRO && len(data) >= 4:
			if v := int(binary.NativeEndian.Uint32(data)); v > 0 {
				size = v
			}
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			dropped := binary.NativeEndian.Uint32(data)
			r.socket.counters.Dropped[DropSocketFull].Add(uint64(dropped - r.overflow))
			r.overflow = dropped
		}
		ctl = ctl[min(unix.CmsgSpace(len(data)), len(ctl)):]
	}
	return size
}
