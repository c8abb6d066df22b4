//go:build linux

package receive

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is one client's UDP socket, connected to where its server is.
type Socket struct {
	// static
	loop          *Loop
	sink          Sink
	fd            int
	local, remote netip.AddrPort

	heads    atomic.Bool
	place    int    // in Loop.order; guarded by Loop.mu
	overflow uint32 // owned by the loop's thread: the kernel's last count

	mu     sync.RWMutex // held for reading while fd is written to
	closed bool         // guarded by mu
}

func open(remote netip.AddrPort, buffer int) (*Socket, error) {
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	return socket(remote, buffer, unix.Connect)
}

func listen(local netip.Addr, buffer int) (*Socket, error) {
	return socket(netip.AddrPortFrom(local.Unmap(), 0), buffer, unix.Bind)
}

// socket makes one that is tied to an address, at its far or its near end.
func socket(at netip.AddrPort, buffer int, tie func(int, unix.Sockaddr) error) (s *Socket, err error) {
	var to unix.Sockaddr
	family := unix.AF_INET
	if ip := at.Addr(); ip.Is4() {
		to = &unix.SockaddrInet4{Port: int(at.Port()), Addr: ip.As4()}
	} else {
		family = unix.AF_INET6
		to = &unix.SockaddrInet6{Port: int(at.Port()), Addr: ip.As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer) // the kernel may grant less: losses are counted
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return nil, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1) // a statistic only
	if err := tie(fd, to); err != nil {
		return nil, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	s = &Socket{fd: fd, remote: at}
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		s.local = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		s.local = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return s, nil
}

// Local and Remote are the two ends.
func (s *Socket) Local() netip.AddrPort  { return s.local }
func (s *Socket) Remote() netip.AddrPort { return s.remote }

// Heads says that from now on only the beginning of each datagram is wanted: nothing that comes is opened.
func (s *Socket) Heads() { s.heads.Store(true) }

// SendMany hands messages to the kernel, which loses what it has no room for. It gives how many it took.
func (s *Socket) SendMany(msgs []unix.Mmsghdr) (taken int, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	for len(msgs) > taken {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&msgs[taken])), uintptr(len(msgs)-taken), unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			taken += int(n)
		case unix.ECONNREFUSED, unix.EINTR: // the first may only tell of an earlier datagram that found nobody
		default:
			return taken, nil
		}
	}
	return taken, nil
}

// Send sends one datagram, or loses it as a network may: a full buffer is no error, a closed socket is.
func (s *Socket) Send(pkt []byte) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return net.ErrClosed
	}
	for range 2 { // the first may only tell of an earlier datagram that found nobody
		_, err := unix.Write(s.fd, pkt)
		switch err {
		case unix.ECONNREFUSED, unix.EINTR:
			continue
		case nil, unix.EAGAIN, unix.ENOBUFS:
			return nil
		}
		return err
	}
	return nil
}

// Close gives the socket up. Idempotent.
func (s *Socket) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.loop.mu.Lock()
	s.loop.doomed = append(s.loop.doomed, s)
	s.loop.rouseLocked()
	s.loop.mu.Unlock()
}

// end closes the descriptor: on the loop's thread.
func (s *Socket) end() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	_ = unix.Close(s.fd) // leaves the epoll set by itself
}
