package sfu

import (
	"net/netip"
	"sync/atomic"

	"github.com/pion/ice/v4"
)

// nominee tells the engine which address to select though the client has not nominated it. Read by the engine's
// goroutines.
type nominee struct {
	any  atomic.Bool // the first one that is heard
	addr atomic.Pointer[netip.AddrPort]
}

// expect begins a generation of ICE names: a browser nominates towards a lite peer only with its second check, 50 ms
// later, so the first one is taken.
func (n *nominee) expect() {
	n.addr.Store(nil)
	n.any.Store(true)
}

// take is asked with the address of each request whose integrity the engine has checked.
func (n *nominee) take(remote ice.Candidate) bool {
	if n.any.CompareAndSwap(true, false) {
		return true
	}
	want := n.addr.Load()
	if want == nil || remote.Port() != int(want.Port()) {
		return false
	}
	ip, err := netip.ParseAddr(remote.Address())
	return err == nil && ip.Unmap() == want.Addr() && n.addr.CompareAndSwap(want, nil)
}

// nominate makes the engine select the address that media has moved to, with the next request from there. Not every
// client nominates again after its NAT changed the address, and the engine gives up a pair that it hears nothing of.
func (s *Signal) nominate(addr netip.AddrPort) { s.nominee.addr.Store(&addr) }
