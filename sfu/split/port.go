package split

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The protocols that are agreed on within TLS (RFC 7301, RFC 7443).
const (
	alpnHTTP  = "http/1.1"
	alpnRelay = "stun.turn"
)

// Options of a Port.
type Options struct {
	// TLS serves TLS, and HTTP over nothing else; nil: a ClientHello is nothing known. NextProtos is set here.
	TLS *tls.Config
	// Patience is how long a connection may take to tell what it is, its TLS handshake included; 0: 5 s.
	Patience time.Duration
	// Undecided is how many connections may be that have not told yet; 0: 4096.
	Undecided int
	// UndecidedPerAddress is how many of them may come from one address (IPv6: one /64); 0: 512, which an office behind one NAT does not reach.
	UndecidedPerAddress int

	Registerer prometheus.Registerer // required
}

// Port is one or more listeners whose connections are given to those who serve their kind.
type Port struct {
	// static
	opts    Options
	parts   [numKinds]*part
	metrics *prometheus.CounterVec
	wg      sync.WaitGroup
	done    chan struct{}

	// guarded by mu
	mu        sync.Mutex
	closed    bool
	listeners []net.Listener
	undecided map[net.Conn]netip.Addr
	ofAddr    map[netip.Addr]int
}

// New makes a Port that serves the kinds; connections of others are refused.
func New(o Options, kinds ...Kind) (*Port, error) {
	if o.Registerer == nil {
		return nil, errors.New("split: Registerer is required")
	}
	if o.Patience == 0 {
		o.Patience = 5 * time.Second
	}
	if o.Undecided == 0 {
		o.Undecided = 4096
	}
	if o.UndecidedPerAddress == 0 {
		o.UndecidedPerAddress = 512
	}
	if o.TLS != nil {
		o.TLS = o.TLS.Clone()
		o.TLS.NextProtos = nil
	}
	p := &Port{
		opts: o, done: make(chan struct{}), undecided: map[net.Conn]netip.Addr{}, ofAddr: map[netip.Addr]int{},
		metrics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_port_connections_total",
			Help: "Connections of a shared port by what they were: http, ice_tcp, turn_tcp, turn_tls; refused: unknown, silent, handshake, in_clear, too_many.",
		}, []string{"kind"}),
	}
	for _, k := range kinds {
		p.parts[k] = &part{port: p, conns: make(chan net.Conn, 16), done: make(chan struct{})}
		if p.opts.TLS != nil && k == HTTP {
			p.opts.TLS.NextProtos = append(p.opts.TLS.NextProtos, alpnHTTP)
		}
		if p.opts.TLS != nil && k == Relays {
			p.opts.TLS.NextProtos = append(p.opts.TLS.NextProtos, alpnRelay)
		}
	}
	return p, o.Registerer.Register(p.metrics)
}

// Listener gives the connections of a kind; nil when it is not served.
func (p *Port) Listener(k Kind) net.Listener {
	if part := p.parts[k]; part != nil {
		return part
	}
	return nil
}

// Serve takes connections from l until Close.
func (p *Port) Serve(l net.Listener) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		_ = l.Close()
		return
	}
	p.listeners = append(p.listeners, l)
	p.wg.Add(1)
	p.mu.Unlock()
	defer p.wg.Done()
	for {
		c, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			select {
			case <-p.done:
				return
			case <-time.After(50 * time.Millisecond): // no descriptors left, most likely: they come back
			}
		default:
			p.take(c)
		}
	}
}

func (p *Port) take(c net.Conn) {
	addr := netip.Addr{}
	if !throughProxy(c) {
		addr = network(c)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.undecided) >= p.opts.Undecided || !p.count(c, addr) {
		p.metrics.WithLabelValues("too_many").Inc()
		_ = c.Close()
		return
	}
	p.wg.Go(func() { p.decide(c) })
}

// throughProxy says that a PROXY header has to be read before the address is known: the socket's is the proxy's, which
// everybody comes through.
func throughProxy(c net.Conn) bool {
	_, yes := c.(interface{ Raw() net.Conn })
	return yes
}

// count notes a connection that has not told what it is. False: its address has too many of them. An address that is
// not known yet has none.
func (p *Port) count(c net.Conn, addr netip.Addr) bool {
	if addr.IsValid() {
		if p.ofAddr[addr] >= p.opts.UndecidedPerAddress {
			return false
		}
		p.ofAddr[addr]++
	}
	p.undecided[c] = addr
	return true
}

// unveil reads the PROXY header of a connection, if it has one, and counts it to its true address.
func (p *Port) unveil(c net.Conn) bool {
	if !throughProxy(c) {
		return true
	}
	addr := network(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count(c, addr)
}

// network is what is counted as one address.
func network(c net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	ip := ap.Addr().Unmap().WithZone("")
	if pre, err := ip.Prefix(64); err == nil && ip.Is6() {
		return pre.Addr()
	}
	return ip
}

func (p *Port) decided(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	addr := p.undecided[c]
	delete(p.undecided, c)
	if p.ofAddr[addr]--; p.ofAddr[addr] <= 0 {
		delete(p.ofAddr, addr)
	}
}

// decide finds out what a connection is and gives it away, or closes it.
func (p *Port) decide(c net.Conn) {
	defer p.decided(c)
	_ = c.SetDeadline(time.Now().Add(p.opts.Patience))
	if !p.unveil(c) {
		p.metrics.WithLabelValues("too_many").Inc()
		_ = c.Close()
		return
	}
	conn, kind, refused := p.look(c, false)
	switch {
	case refused != "":
	case kind == TLS:
		conn, kind, refused = p.within(conn)
	case kind == HTTP && p.opts.TLS != nil:
		// A page in clear, where there is TLS, is somebody's mistake, and whoever listens on the way reads their keys.
		_, _ = io.WriteString(c, inClear)
		refused = "in_clear"
	}
	if refused == "" && p.parts[kind] == nil {
		refused = Unknown.String()
	}
	if refused != "" {
		p.metrics.WithLabelValues(refused).Inc()
		_ = c.Close()
		return
	}
	p.metrics.WithLabelValues(kind.String()).Inc()
	_ = c.SetDeadline(time.Time{})
	p.parts[kind].give(conn)
}

// inClear is what net/http says on its own TLS listeners.
const inClear = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"

// look reads the first bytes and puts them back.
func (p *Port) look(c net.Conn, secret bool) (conn net.Conn, kind Kind, refused string) {
	head := make([]byte, 0, enough)
	for kind = More; kind == More; kind = Tell(head) {
		n, err := c.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
		if n == 0 && err != nil {
			return c, Unknown, "silent"
		}
	}
	if secret {
		switch kind {
		case Relay:
			kind = Relays
		case HTTP:
		default:
			kind = Unknown // TLS within TLS, or ICE that no browser sends so
		}
	}
	return &peeked{Conn: c, head: head}, kind, ""
}

// within shakes hands and tells what is spoken inside.
func (p *Port) within(c net.Conn) (conn net.Conn, kind Kind, refused string) {
	if p.opts.TLS == nil {
		return c, Unknown, Unknown.String()
	}
	secret := tls.Server(c, p.opts.TLS)
	if err := secret.Handshake(); err != nil { // under the connection's deadline
		return c, Unknown, "handshake"
	}
	switch secret.ConnectionState().NegotiatedProtocol {
	case alpnHTTP:
		return secret, HTTP, ""
	case alpnRelay:
		return secret, Relays, ""
	}
	return p.look(secret, true)
}

// Close ends the listeners given to Serve, all that has not told what it is, and the parts.
func (p *Port) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	close(p.done)
	for _, l := range p.listeners {
		_ = l.Close()
	}
	for c := range p.undecided {
		_ = c.Close()
	}
	p.mu.Unlock()
	for _, part := range p.parts {
		if part != nil {
			_ = part.Close()
		}
	}
	p.wg.Wait()
	p.opts.Registerer.Unregister(p.metrics)
}
