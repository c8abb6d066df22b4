package session

import (
	"net/netip"
	"sync"
)

// door counts the sockets that have not shown who they are, per address and in all, so that silent sockets of one
// place cannot keep everyone out.
type door struct {
	perAddress, total int

	mu    sync.Mutex
	count map[netip.Addr]int
	all   int
}

func newDoor(perAddress, total int) *door {
	return &door{perAddress: perAddress, total: total, count: map[netip.Addr]int{}}
}

// enter takes a place; leave is nil when there is none, and may be called more than once.
func (d *door) enter(addr netip.Addr) (leave func()) {
	key := prefixOf(addr)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count[key] >= d.perAddress || d.all >= d.total {
		return nil
	}
	d.count[key]++
	d.all++
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.all--
		if d.count[key]--; d.count[key] == 0 {
			delete(d.count, key)
		}
	})
}

// prefixOf is what one subscriber can change at will: an IPv4 address, an IPv6 /64.
func prefixOf(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}
