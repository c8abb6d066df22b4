package turn

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the connections over TCP and TLS.
const (
	maxConns      = 4096
	maxPerAddress = 256              // a whole office may share one
	firstAllow    = 10 * time.Second // until a relay is allocated
	idleAllow     = 60 * time.Second // ICE checks come every few seconds
	stallAllow    = 5 * time.Second
)

// guards is a listener whose connections have deadlines and a number.
type guards struct {
	net.Listener
	counters *Counters

	mu     sync.Mutex
	conns  map[string]*guard // guarded by mu, by remote address
	ofAddr map[netip.Addr]int
	closed bool
}

func newGuards(l net.Listener, c *Counters) *guards {
	return &guards{Listener: l, counters: c, conns: map[string]*guard{}, ofAddr: map[netip.Addr]int{}}
}

// guard is one connection.
type guard struct {
	net.Conn
	of     *guards
	begun  time.Time
	serves atomic.Bool // it has a relay
	once   sync.Once
	in     messages // of the reading goroutine
}

// Accept implements net.Listener. An error that passes does not end the listener.
func (l *guards) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil:
			time.Sleep(50 * time.Millisecond)
			if l.isClosed() {
				return nil, net.ErrClosed
			}
			continue
		}
		if g := l.take(c); g != nil {
			return g, nil
		}
		_ = c.Close()
	}
}

func (l *guards) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// network is what is counted as one address: an IPv6 customer has a /64.
func network(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	ip := ap.Addr().Unmap().WithZone("")
	if p, err := ip.Prefix(64); err == nil && ip.Is6() {
		return p.Addr()
	}
	return ip
}

func (l *guards) take(c net.Conn) *guard {
	g := &guard{Conn: c, of: l, begun: time.Now()}
	key, ip := c.RemoteAddr().String(), network(c.RemoteAddr())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.conns) >= maxConns || l.ofAddr[ip] >= maxPerAddress || l.conns[key] != nil {
		l.counters.drop(RefuseConns)
		return nil
	}
	l.conns[key] = g
	l.ofAddr[ip]++
	l.counters.Conns.Add(1)
	return g
}

func (l *guards) find(src net.Addr) *guard {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns[src.String()]
}

func (l *guards) forget(g *guard) {
	ip := network(g.RemoteAddr())
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, g.RemoteAddr().String())
	if l.ofAddr[ip]--; l.ofAddr[ip] <= 0 {
		delete(l.ofAddr, ip)
	}
	l.counters.Conns.Add(-1)
}

func (l *guards) closeAll() {
	l.mu.Lock()
	l.closed = true
	var open []*guard
	for _, g := range l.conns {
		open = append(open, g)
	}
	l.mu.Unlock()
	for _, g := range open {
		_ = g.Close()
	}
}

// serve says that the connection has a relay now: from here on it ends by silence only.
func (g *guard) serve() {
	g.serves.Store(true)
	_ = g.SetReadDeadline(time.Now().Add(idleAllow))
}

// over ends the connection of a relay that has ended.
func (g *guard) over() { _ = g.Close() }

// Read gives one message.
func (g *guard) Read(b []byte) (int, error) {
	n, err := g.in.next(b, g.read)
	if errors.Is(err, errMessage) {
		g.of.counters.drop(EndMalformed)
	}
	return n, err
}

// read waits as long as the connection may be silent.
func (g *guard) read(b []byte) (int, error) {
	until := g.begun.Add(firstAllow)
	if g.serves.Load() {
		until = time.Now().Add(idleAllow)
	}
	_ = g.SetReadDeadline(until)
	n, err := g.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		g.of.counters.drop(EndSilent)
	}
	return n, err
}

// Write ends a connection that takes nothing: what waits for it is bounded by its relay's socket.
func (g *guard) Write(b []byte) (int, error) {
	_ = g.SetWriteDeadline(time.Now().Add(stallAllow))
	n, err := g.Conn.Write(b)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			g.of.counters.drop(EndStalled)
		}
		_ = g.Close()
	}
	return n, err
}

// Close implements net.Conn.
func (g *guard) Close() error {
	g.once.Do(func() { g.of.forget(g) })
	return g.Conn.Close()
}
