package door

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

type addressKey struct{}

// ClientAddr is the address the request comes from: the socket's, or what a trusted proxy says. It is the zero Addr
// only outside Addresses.
func ClientAddr(r *http.Request) netip.Addr {
	a, _ := r.Context().Value(addressKey{}).(netip.Addr)
	return a
}

// Addresses decides each request's client address. X-Forwarded-For counts only when the socket's own address is one
// of trusted, and then it is read from the right, through trusted proxies, to the first address that is not one:
// whatever a client wrote into the header itself stands further left and is never reached.
func Addresses(trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := forwarded(socketAddr(r.RemoteAddr), r.Header.Values("X-Forwarded-For"), trusted)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), addressKey{}, a)))
	})
}

func socketAddr(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

func forwarded(socket netip.Addr, headers []string, trusted []netip.Prefix) netip.Addr {
	at := socket
	if !within(at, trusted) {
		return at
	}
	hops := strings.Split(strings.Join(headers, ","), ",")
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return at // the nearest hop that makes sense
		}
		at = a.Unmap().WithZone("")
		if !within(at, trusted) {
			return at
		}
	}
	return at
}

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}
