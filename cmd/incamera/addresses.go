package main

import (
	"fmt"
	"net"
	"net/netip"

	"incamera/cmd/incamera/config"
)

// maxAdvertised bounds the candidates of an answer when the machine has many addresses.
const maxAdvertised = 4

// advertised are the addresses browsers send media to: what the configuration names, else the address it listens on,
// else this machine's own, IPv4 first. Loopback comes last and only beside a loopback page or when there is nothing
// else: Firefox never tries it.
func advertised(m config.Media) ([]netip.Addr, error) {
	var list []netip.Addr
	for _, s := range m.Advertise {
		list = append(list, netip.MustParseAddr(s)) // validated
	}
	listen := netip.MustParseAddrPort(m.Listen).Addr()
	if len(list) > 0 {
		return list, nil
	}
	if !listen.IsUnspecified() {
		return []netip.Addr{listen}, nil
	}
	own, err := ownAddresses()
	if err != nil {
		return nil, err
	}
	for _, a := range own {
		if len(list) < maxAdvertised && (a.Is4() || listen.Is6()) {
			list = append(list, a)
		}
	}
	if len(list) == 0 {
		list = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	return list, nil
}

// ownAddresses lists this machine's unicast addresses that others can reach, IPv4 first.
func ownAddresses() ([]netip.Addr, error) {
	ifaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("interfaces: %w", err)
	}
	var v4, v6 []netip.Addr
	for _, i := range ifaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // the interface went away
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil || p.Addr().IsLinkLocalUnicast() {
				continue
			}
			if ip := p.Addr().Unmap(); ip.Is4() {
				v4 = append(v4, ip)
			} else {
				v6 = append(v6, ip)
			}
		}
	}
	return append(v4, v6...), nil
}
