package policy

import "net/netip"

// Name is the configured network that an address belongs to, the narrowest if there are several; "" for none.
func (n Networks) Name(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	found, bits := "", -1
	for name, list := range n {
		for _, p := range list {
			if p.Contains(a) && (p.Bits() > bits || p.Bits() == bits && name < found) {
				found, bits = name, p.Bits()
			}
		}
	}
	return found
}
