//go:build linux

package udp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const defaultBuffer = 4 << 20

// Handler gets what a Recv drained. Called on Recv's goroutine.
type Handler interface {
	// Datagram gets one datagram, never an empty one. An IPv4 source is always
	// a plain IPv4 address, also on a dual-stack socket. pkt is valid until
	// Recv is called again and may be changed in place.
	Datagram(src netip.AddrPort, pkt []byte)
	// Drained is called once after the last datagram of a batch, and not
	// when there was none.
	Drained()
}

// Socket is one bound UDP socket.
type Socket struct {
	// static
	file    *os.File // gives us the netpoller and a descriptor that outlives running calls
	raw     syscall.RawConn
	local   netip.AddrPort
	inet6   bool // AF_INET6 socket
	offload *Offload
	gro     bool

	closed   atomic.Bool
	counters Counters
	control  sync.Pool // *controlSend

	// owned by the goroutine in Recv
	rx *rxRing

	// wake state
	mu       sync.Mutex // guards deadline; never held while waiting
	deadline time.Time  // the one set on file
	woken    atomic.Bool
}

// Listen binds a non-blocking UDP socket. The address [::] takes IPv4 too.
func Listen(addr netip.AddrPort, opts Options) (*Socket, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	if !addr.IsValid() {
		return nil, fmt.Errorf("udp: listen: invalid address")
	}
	s := &Socket{inet6: !addr.Addr().Unmap().Is4(), offload: opts.Offload}
	if s.offload == nil {
		s.offload = &Offload{}
	}
	fd, err := s.open(addr, opts)
	if err != nil {
		return nil, fmt.Errorf("udp: listen %v: %w", addr, err)
	}
	s.file = os.NewFile(uintptr(fd), "udp")
	if s.raw, err = s.file.SyscallConn(); err != nil {
		_ = s.file.Close()
		return nil, err
	}
	s.control.New = func() any { return newControlSend() }
	s.rx = newRxRing(s)
	return s, nil
}

// open makes the descriptor and fills the static fields it decides.
func (s *Socket) open(addr netip.AddrPort, opts Options) (fd int, err error) {
	family := unix.AF_INET
	if s.inet6 {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return -1, err
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	if s.inet6 {
		only := 1
		if addr.Addr().IsUnspecified() {
			only = 0
		}
		if err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return -1, err
		}
	}
	setBuffer(fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, opts.ReceiveBuffer)
	setBuffer(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, opts.SendBuffer)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1) // a statistic only
	if !opts.NoGRO {
		s.gro = unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_GRO, 1) == nil
	}
	s.probeGSO(fd)
	sa, err := s.sockaddr(addr)
	if err != nil {
		return -1, err
	}
	if err = bind(fd, &sa); err != nil {
		return -1, err
	}
	s.local, err = localAddr(fd)
	return fd, err
}

// probeGSO asks the kernel for UDP_SEGMENT and takes the setting back. Whether
// the interface can do it shows only when sending (EIO).
func (s *Socket) probeGSO(fd int) {
	if unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 1200) != nil ||
		unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 0) != nil {
		s.offload.DisableGSO()
	}
}

// setBuffer asks for size, over the system limit where privileges allow it.
// The kernel may grant less without an error: see BufferSizes.
func setBuffer(fd, force, plain, size int) {
	if size == 0 {
		size = defaultBuffer
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, plain, size)
	}
}

// LocalAddr is the bound address with its real port.
func (s *Socket) LocalAddr() netip.AddrPort { return s.local }

// Counters of the socket.
func (s *Socket) Counters() *Counters { return &s.counters }

// GRO reports whether the kernel coalesces what we receive.
func (s *Socket) GRO() bool { return s.gro }

// BufferSizes are the receive and send buffers that the kernel granted, in
// bytes of payload (the kernel reports twice that). A small receive buffer
// (net.core.rmem_max without privileges) is worth a warning at start.
func (s *Socket) BufferSizes() (recv, send int, err error) {
	ctlErr := s.raw.Control(func(fd uintptr) {
		if recv, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF); err != nil {
			return
		}
		send, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
	})
	if ctlErr != nil {
		return 0, 0, net.ErrClosed
	}
	return recv / 2, send / 2, err
}

// Close ends a running Recv and frees the socket. Idempotent.
func (s *Socket) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.file.Close()
}
