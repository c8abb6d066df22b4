package sfu

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"incamera/sfu/tcp"
)

// tcpMux is what the engine takes for its TCP: one packet connection for each user name and advertised address. It
// accepts nothing itself. It is fed by the shard with the STUN and DTLS of framed connections, and writes to their
// queues; media passes it in neither direction.
type tcpMux struct {
	// static
	addrs    []netip.AddrPort // advertised
	names    *tcpNames
	shard    *Shard
	counters *tcp.Counters

	// guarded by mu
	mu    sync.Mutex
	ports map[string][]*tcpPort // by user name
	links map[netip.AddrPort]*tcp.Conn
}

// tcpNames is whose a user name is, for connections that come in; shared by the shards of a node.
type tcpNames struct {
	mu     sync.Mutex
	shards map[string]*Shard // guarded by mu
}

func (n *tcpNames) set(name string, s *Shard) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shards == nil {
		n.shards = map[string]*Shard{}
	}
	if n.shards[name] = s; s == nil {
		delete(n.shards, name)
	}
}

func (n *tcpNames) find(name string) *Shard {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.shards[name]
}

func newTCPMux(s *Shard) *tcpMux {
	return &tcpMux{
		addrs: s.node.opts.TCPAdvertise, names: &s.node.names, shard: s, counters: &s.node.tcpCounters,
		ports: map[string][]*tcpPort{}, links: map[netip.AddrPort]*tcp.Conn{},
	}
}

// GetAllConns gives the engine a connection for each port advertised at an address.
func (m *tcpMux) GetAllConns(ufrag string, _ bool, ip net.IP) ([]net.PacketConn, error) {
	addr, _ := netip.AddrFromSlice(ip)
	addr = addr.Unmap()
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []net.PacketConn
	for _, a := range m.addrs {
		if a.Addr() == addr {
			p := &tcpPort{mux: m, local: net.TCPAddrFromAddrPort(a), addr: addr,
				in: make(chan *ctrlPacket, tcpPortQueue), closed: make(chan struct{})}
			m.ports[ufrag] = append(m.ports[ufrag], p)
			out = append(out, p)
		}
	}
	m.names.set(ufrag, m.shard)
	return out, nil
}

// GetConnByUfrag implements ice.TCPMux; the engine prefers GetAllConns.
func (m *tcpMux) GetConnByUfrag(ufrag string, v6 bool, ip net.IP) (net.PacketConn, error) {
	all, err := m.GetAllConns(ufrag, v6, ip)
	if err != nil || len(all) == 0 {
		return nil, os.ErrNotExist
	}
	return all[0], nil
}

// RemoveConnByUfrag implements ice.TCPMux: the name is over. The connections live on, they belong to the shard.
func (m *tcpMux) RemoveConnByUfrag(ufrag string) {
	m.names.set(ufrag, nil)
	m.mu.Lock()
	ports := m.ports[ufrag]
	delete(m.ports, ufrag)
	m.mu.Unlock()
	for _, p := range ports {
		_ = p.Close()
	}
}

// Close implements ice.TCPMux.
func (m *tcpMux) Close() error { return nil }

// feed hands STUN or DTLS of a connection to the engine; false when it was dropped.
func (m *tcpMux) feed(ufrag string, c *tcp.Conn, pkt []byte) bool {
	m.mu.Lock()
	var to *tcpPort
	for _, p := range m.ports[ufrag] {
		if p.addr == c.Local() {
			to = p
			break
		}
		if to == nil && p.addr.Is4() == c.Remote().Addr().Is4() {
			to = p
		}
	}
	if to != nil {
		m.links[c.Remote()] = c
	}
	m.mu.Unlock()
	return to != nil && to.feed(c.Remote(), pkt)
}

// gone forgets a connection.
func (m *tcpMux) gone(c *tcp.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.links[c.Remote()] == c {
		delete(m.links, c.Remote())
	}
}

// tcpPortQueue is how many control datagrams of one transport may wait for the engine.
const tcpPortQueue = 64

// tcpPort is one passive TCP candidate of one transport.
type tcpPort struct {
	// static
	mux    *tcpMux
	local  *net.TCPAddr
	addr   netip.Addr
	in     chan *ctrlPacket
	closed chan struct{}
	once   sync.Once
}

func (p *tcpPort) feed(src netip.AddrPort, pkt []byte) bool {
	c := &ctrlPacket{src: src}
	if len(pkt) > len(c.buf) {
		return false
	}
	c.n = copy(c.buf[:], pkt)
	select {
	case p.in <- c:
		return true
	default:
		return false
	}
}

// ReadFrom is the engine's read.
func (p *tcpPort) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case c := <-p.in:
		return copy(b, c.buf[:c.n]), net.TCPAddrFromAddrPort(c.src), nil
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo is the engine's write. It never blocks and never carries media: see ctrlConn.
func (p *tcpPort) WriteTo(b []byte, dst net.Addr) (int, error) {
	if len(b) > 0 && b[0] >= 128 && b[0] <= 191 {
		p.mux.counters.Refused.Add(1)
		p.mux.shard.engineWroteMedia()
		return 0, os.ErrPermission
	}
	if p.mux.shard.ctrl.hushed.Load() > 0 && farewell(b) {
		return len(b), nil
	}
	addr, ok := dst.(*net.TCPAddr)
	if !ok {
		return 0, os.ErrInvalid
	}
	to := addr.AddrPort()
	p.mux.mu.Lock()
	c := p.mux.links[netip.AddrPortFrom(to.Addr().Unmap(), to.Port())]
	p.mux.mu.Unlock()
	if c == nil {
		return 0, net.ErrClosed
	}
	if err := c.Write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close ends the engine's reads.
func (p *tcpPort) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// LocalAddr is the advertised address.
func (p *tcpPort) LocalAddr() net.Addr { return p.local }

// SetDeadline and its two kin do nothing: reads end by Close, writes never wait.
func (p *tcpPort) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (p *tcpPort) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (p *tcpPort) SetWriteDeadline(time.Time) error { return nil }
