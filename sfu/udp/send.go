//go:build linux

package udp

import (
	"net"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	callMessages = 64
	// callDatagrams bounds how long one raw system call holds its thread:
	// some 0.1 ms, since the garbage collector cannot stop it meanwhile.
	callDatagrams = 320
	// maxWait is how long one Flush may wait for room in the send buffer.
	maxWait = time.Millisecond
)

var longAgo = time.Unix(1, 0)

// tally collects a flush's counts, to touch the atomics once.
type tally struct {
	calls, messages, datagrams, bytes uint64
}

func sendmmsg(fd uintptr, msgs *unix.Mmsghdr, n int) (int, syscall.Errno) {
	sent, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd,
		uintptr(unsafe.Pointer(msgs)), uintptr(n), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return int(sent), errno
}

// sendAll is Flush with the descriptor held.
func (b *Batch) sendAll(fd uintptr) {
	b.waited = false
	b.tally = tally{}
	b.sendRuns(fd, b.msgs[:b.runs], b.segments[:b.runs])
	c := &b.socket.counters
	c.TxCalls.Add(b.tally.calls)
	c.TxMessages.Add(b.tally.messages)
	c.TxDatagrams.Add(b.tally.datagrams)
	c.TxBytes.Add(b.tally.bytes)
}

// sendRuns sends messages in order. Each trip through the loop either sends a
// message, gives one up, or uses up a retry, so it ends.
func (b *Batch) sendRuns(fd uintptr, msgs []unix.Mmsghdr, segments []uint16) {
	retried := false
	for i := 0; i < len(msgs); {
		if segments[i] > 1 && !b.socket.offload.GSO() {
			b.sendSplit(fd, &msgs[i], int(segments[i]))
			i++
			continue
		}
		sent, errno := b.sendmmsg(fd, &msgs[i], b.callSize(segments[i:]))
		b.tally.calls++
		if errno == 0 && sent > 0 {
			for range sent {
				b.tally.messages++
				b.tally.datagrams += uint64(segments[i])
				b.tally.bytes += uint64(msgs[i].Hdr.Iov.Len)
				i++
			}
			retried = false
			continue
		}
		// An error is about the first message of the call.
		switch {
		case errno == unix.EAGAIN && !b.waited:
			b.waited = true
			b.awaitRoom(fd)
			continue
		case errno == unix.EAGAIN:
			b.drop(DropWouldBlock, segments[i:])
			return
		case (errno == unix.EINTR || errno == unix.ECONNREFUSED) && !retried:
			retried = true // ECONNREFUSED may be a late answer to an earlier datagram
			continue
		case segments[i] > 1 && (errno == unix.EIO || errno == unix.EINVAL || errno == unix.EMSGSIZE):
			if errno == unix.EIO { // the interface cannot checksum segments
				b.socket.offload.DisableGSO()
			}
			b.socket.counters.TxSplits.Add(1)
			b.sendSplit(fd, &msgs[i], int(segments[i]))
		default:
			b.drop(dropReason(errno), segments[i:i+1])
		}
		i++
		retried = false
	}
}

// callSize is how many of the next messages go into one system call.
func (b *Batch) callSize(segments []uint16) int {
	datagrams, gso := 0, b.socket.offload.GSO()
	for i, n := range segments {
		datagrams += int(n)
		if i == callMessages || (i > 0 && (datagrams > callDatagrams || (n > 1 && !gso))) {
			return i
		}
	}
	return len(segments)
}

// sendSplit sends the segments of one run as messages of their own.
func (b *Batch) sendSplit(fd uintptr, m *unix.Mmsghdr, segments int) {
	size := int((*segmentControl)(unsafe.Pointer(m.Hdr.Control)).size)
	rest := unsafe.Slice(m.Hdr.Iov.Base, int(m.Hdr.Iov.Len))
	for i := range segments {
		k := min(size, len(rest))
		b.splitIovs[i].Base = &rest[0]
		b.splitIovs[i].SetLen(k)
		h := &b.splitMsgs[i].Hdr
		h.Name, h.Namelen = m.Hdr.Name, m.Hdr.Namelen
		rest = rest[k:]
	}
	b.sendRuns(fd, b.splitMsgs[:segments], b.splitOnes[:segments])
}

// awaitRoom waits, bounded, for the socket to become writable.
func (b *Batch) awaitRoom(fd uintptr) {
	b.socket.counters.SendWaits.Add(1)
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	ts := unix.NsecToTimespec(int64(maxWait))
	_, _ = unix.Ppoll(fds[:], &ts, nil) // whatever it says, the next send tells
}

func (b *Batch) drop(reason Drop, segments []uint16) {
	n := uint64(0)
	for _, k := range segments {
		n += uint64(k)
	}
	b.socket.counters.Dropped[reason].Add(n)
}

func dropReason(errno syscall.Errno) Drop {
	switch errno {
	case unix.EAGAIN:
		return DropWouldBlock
	case unix.EMSGSIZE:
		return DropTooBig
	case unix.EPERM, unix.EACCES:
		return DropRefused
	case unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ECONNREFUSED, unix.ENETDOWN, unix.EADDRNOTAVAIL:
		return DropUnreachable
	case unix.ENOBUFS, unix.ENOMEM:
		return DropNoBuffers
	default:
		return DropOther
	}
}

// controlSend is one SendTo in flight, pooled with its closure.
type controlSend struct {
	sa    sockaddr
	pkt   []byte
	errno syscall.Errno
	do    func(fd uintptr)
}

func newControlSend() *controlSend {
	c := &controlSend{}
	c.do = c.send
	return c
}

func (c *controlSend) send(fd uintptr) {
	for range 2 { // the first may only deliver a pending error of an earlier datagram
		_, _, c.errno = unix.RawSyscall6(unix.SYS_SENDTO, fd,
			uintptr(unsafe.Pointer(&c.pkt[0])), uintptr(len(c.pkt)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL,
			uintptr(unsafe.Pointer(&c.sa.raw)), uintptr(c.sa.len))
		if c.errno != unix.ECONNREFUSED && c.errno != unix.EINTR {
			return
		}
	}
}

// SendTo sends one control datagram (STUN, DTLS) now, past any Batch. It never
// blocks: a full send buffer is an error. Safe for concurrent use.
func (s *Socket) SendTo(dst netip.AddrPort, pkt []byte) error {
	if len(pkt) == 0 {
		return nil
	}
	c := s.control.Get().(*controlSend)
	defer s.control.Put(c)
	var err error
	if c.sa, err = s.sockaddr(dst); err != nil {
		s.counters.ControlErrors.Add(1)
		return err
	}
	c.pkt = pkt
	err = s.raw.Control(c.do)
	c.pkt = nil
	switch {
	case err != nil:
		return net.ErrClosed
	case c.errno != 0:
		s.counters.ControlErrors.Add(1)
		return c.errno
	}
	s.counters.ControlDatagrams.Add(1)
	return nil
}
