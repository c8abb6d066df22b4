//go:build linux

package udp

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockaddr is a raw sockaddr_in or sockaddr_in6.
type sockaddr struct {
	raw [unix.SizeofSockaddrInet6]byte
	len uint32
}

// Dest is a prebuilt destination of a socket; immutable, made once per peer
// address and replaced as a whole when the address changes.
type Dest struct {
	sa   sockaddr
	addr netip.AddrPort
}

// Dest prebuilds a destination. It fails for an address that the socket's
// family cannot reach.
func (s *Socket) Dest(addr netip.AddrPort) (*Dest, error) {
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	sa, err := s.sockaddr(addr)
	if err != nil {
		return nil, err
	}
	return &Dest{sa: sa, addr: addr}, nil
}

// Addr is the address the Dest was made from (IPv4 unmapped).
func (d *Dest) Addr() netip.AddrPort { return d.addr }

// sockaddr puts addr into the form of the socket's family: IPv4 on an IPv6
// socket becomes v4-mapped.
func (s *Socket) sockaddr(addr netip.AddrPort) (sockaddr, error) {
	var sa sockaddr
	ip := addr.Addr().Unmap()
	switch {
	case !ip.IsValid():
		return sa, fmt.Errorf("udp: invalid address")
	case s.inet6:
		binary.NativeEndian.PutUint16(sa.raw[0:], unix.AF_INET6)
		binary.BigEndian.PutUint16(sa.raw[2:], addr.Port())
		b := ip.As16()
		copy(sa.raw[8:], b[:])
		scope, err := scopeID(ip.Zone())
		if err != nil {
			return sa, err
		}
		binary.NativeEndian.PutUint32(sa.raw[24:], scope)
		sa.len = unix.SizeofSockaddrInet6
	case ip.Is4():
		binary.NativeEndian.PutUint16(sa.raw[0:], unix.AF_INET)
		binary.BigEndian.PutUint16(sa.raw[2:], addr.Port())
		b := ip.As4()
		copy(sa.raw[4:], b[:])
		sa.len = unix.SizeofSockaddrInet4
	default:
		return sa, fmt.Errorf("udp: IPv6 address %v on an IPv4 socket", addr)
	}
	return sa, nil
}

func scopeID(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if id, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(id), nil
	}
	ifi, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	return uint32(ifi.Index), nil
}

// addrPort reads a raw sockaddr of n bytes as the kernel wrote it; the zero
// AddrPort if it is of no family of ours.
func addrPort(raw *[unix.SizeofSockaddrInet6]byte, n uint32) netip.AddrPort {
	family, port := binary.NativeEndian.Uint16(raw[0:]), binary.BigEndian.Uint16(raw[2:])
	switch {
	case family == unix.AF_INET && n >= unix.SizeofSockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), port)
	case family == unix.AF_INET6 && n >= unix.SizeofSockaddrInet6:
		ip := netip.AddrFrom16([16]byte(raw[8:24])).Unmap()
		if ip.IsLinkLocalUnicast() && ip.Is6() {
			if scope := binary.NativeEndian.Uint32(raw[24:]); scope != 0 {
				ip = ip.WithZone(strconv.FormatUint(uint64(scope), 10))
			}
		}
		return netip.AddrPortFrom(ip, port)
	default:
		return netip.AddrPort{}
	}
}

func bind(fd int, sa *sockaddr) error {
	_, _, errno := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&sa.raw)), uintptr(sa.len))
	if errno != 0 {
		return errno
	}
	return nil
}

func localAddr(fd int) (netip.AddrPort, error) {
	var sa sockaddr
	sa.len = uint32(len(sa.raw))
	_, _, errno := unix.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(fd),
		uintptr(unsafe.Pointer(&sa.raw)), uintptr(unsafe.Pointer(&sa.len)))
	if errno != 0 {
		return netip.AddrPort{}, errno
	}
	return addrPort(&sa.raw, sa.len), nil
}
