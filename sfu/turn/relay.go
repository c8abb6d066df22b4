package turn

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pion/turn/v5"
)

// Target is one of the node's own media addresses. Several with one Public are several ways to it, the best one first.
//
// A relay's socket is opened at the address of a Local, and clients are told it twice: by the relay, and as what the
// media address sees of them. Firefox takes neither when it is a loopback address, so that is the last resort.
type Target struct {
	Public netip.AddrPort // what clients were told
	Local  netip.AddrPort // where this machine reaches it
}

// Bounds of one relay.
const (
	relayBuffer = 512 << 10 // bytes that may wait at its socket for the client
	perSecond   = 4 << 20   // bytes a client may send in a second: far above any publisher's
)

var errRefused = errors.New("turn: the relay reaches the node's own media only")

// relay is the socket of one allocation.
type relay struct {
	// static
	*net.UDPConn
	server *Server
	user   string
	kind   Kind
	addr   netip.AddrPort
	client netip.Addr // who asked for it; guarded by server.mu
	once   sync.Once

	// guarded by mu
	mu     sync.Mutex
	window time.Time
	sent   int
}

// WriteTo sends what the client sent to one of the node's own media addresses. Everything else ends here.
func (r *relay) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, os.ErrInvalid
	}
	local, ok := r.server.local(udp.AddrPort(), r.addr.Addr())
	if !ok {
		r.server.drop(DropAddress)
		return 0, errRefused
	}
	if !r.spend(len(b)) {
		r.server.drop(DropRate)
		return len(b), nil
	}
	return r.UDPConn.WriteToUDPAddrPort(b, local)
}

// spend bounds what comes of one client, in whole seconds.
func (r *relay) spend(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.window) >= time.Second {
		r.window, r.sent = now, 0
	}
	r.sent += n
	return r.sent <= perSecond
}

// ReadFrom gives what a shard sent to the client, under the address that the client knows the shard by.
func (r *relay) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, src, err := r.UDPConn.ReadFromUDPAddrPort(b)
		if err != nil {
			return 0, nil, err
		}
		public, ok := r.server.public(netip.AddrPortFrom(src.Addr().Unmap(), src.Port()))
		if !ok {
			r.server.drop(DropSource)
			continue
		}
		return n, net.UDPAddrFromAddrPort(public), nil
	}
}

// Close ends the relay, and with it the allocation.
func (r *relay) Close() error {
	err := error(nil)
	r.once.Do(func() {
		r.server.forget(r)
		err = r.UDPConn.Close()
	})
	return err
}

// generator makes the relays of the clients of one listener.
type generator struct {
	server *Server
	kind   Kind
}

// Validate implements turn.RelayAddressGenerator.
func (g *generator) Validate() error { return nil }

// AllocatePacketConn opens a relay's socket beside the shards, at the first of their addresses that this machine has now.
func (g *generator) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	s, failed := g.server, error(nil)
	for i, t := range s.opts.Targets {
		at := t.Local.Addr().Unmap()
		if at.Is4() != (c.Network == "udp4") || slices.ContainsFunc(s.opts.Targets[:i], func(o Target) bool { return o.Local.Addr().Unmap() == at }) {
			continue
		}
		conn, err := net.ListenUDP(c.Network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
		if err != nil {
			failed = err
			continue
		}
		_ = conn.SetReadBuffer(relayBuffer)
		r := &relay{UDPConn: conn, server: s, user: c.UserID, kind: g.kind, addr: unmap(conn.LocalAddr().(*net.UDPAddr).AddrPort())}
		if !s.remember(r) {
			_ = conn.Close()
			return nil, nil, errRefused
		}
		return r, conn.LocalAddr(), nil
	}
	if failed != nil {
		s.drop(RefuseSocket)
		return nil, nil, failed
	}
	s.drop(RefuseFamily)
	return nil, nil, errRefused
}

// AllocateListener refuses TCP relays (RFC 6062): there is nothing here to reach with them.
func (g *generator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	g.server.drop(RefuseFamily)
	return nil, nil, errRefused
}

// AllocateConn refuses TCP relays.
func (g *generator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) {
	g.server.drop(RefuseFamily)
	return nil, errRefused
}
