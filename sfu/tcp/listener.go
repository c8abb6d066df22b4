package tcp

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Owner is who a connection belongs to, once its first frame said so. Its functions are called by the connection's
// reading goroutine.
type Owner interface {
	// Frame takes one datagram, which is valid during the call only. more: another one follows at once. It may wait
	// for room: then the peer's sending is held up, and nobody else's. False ends the connection.
	Frame(c *Conn, b []byte, more bool) bool
	// Gone is told once, after the last frame.
	Gone(c *Conn)
}

// Options of a Listener.
type Options struct {
	// Route finds the owner by the first frame, nil when it is for nobody here. Required.
	Route func(first []byte) Owner
	// MaxConns is how many connections there may be; 0: 4096.
	MaxConns int
	// MaxPerAddress is how many of them may come from one address (IPv6: one /64); 0: 256, as a whole office may
	// share one.
	MaxPerAddress int
	// FirstFrame is how long a connection may take to say whom it is for, and its owner to Keep it; 0: 5 s.
	FirstFrame time.Duration

	Log      *slog.Logger // required
	Counters *Counters    // required
}

// Listener serves framed connections.
type Listener struct {
	// static
	opts Options
	wg   sync.WaitGroup

	// guarded by mu
	mu     sync.Mutex
	closed bool
	conns  map[*Conn]struct{}
	ofAddr map[netip.Addr]int
	lists  []net.Listener
}

// New makes a Listener.
func New(o Options) (*Listener, error) {
	if o.Route == nil || o.Log == nil || o.Counters == nil {
		return nil, errors.New("tcp: Route, Log and Counters are required")
	}
	if o.MaxConns == 0 {
		o.MaxConns = 4096
	}
	if o.MaxPerAddress == 0 {
		o.MaxPerAddress = 256
	}
	if o.FirstFrame == 0 {
		o.FirstFrame = 5 * time.Second
	}
	return &Listener{opts: o, conns: map[*Conn]struct{}{}, ofAddr: map[netip.Addr]int{}}, nil
}

// Serve takes connections from ln until Close, which closes ln too.
func (l *Listener) Serve(ln net.Listener) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		_ = ln.Close()
		return
	}
	l.lists = append(l.lists, ln)
	l.mu.Unlock()
	for {
		raw, err := ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || l.isClosed() {
				return
			}
			time.Sleep(50 * time.Millisecond) // no descriptors left, most likely: they come back
			continue
		}
		l.take(raw)
	}
}

func (l *Listener) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// network is what is counted as one address.
func network(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

func (l *Listener) take(raw net.Conn) {
	c := newConn(raw, l.opts.Counters)
	key := network(c.remote.Addr())
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
	case len(l.conns) >= l.opts.MaxConns:
		l.opts.Counters.drop(RefuseTotal)
	case l.ofAddr[key] >= l.opts.MaxPerAddress:
		l.opts.Counters.drop(RefuseAddress)
	default:
		l.conns[c] = struct{}{}
		l.ofAddr[key]++
		l.opts.Counters.Conns.Add(1)
		l.wg.Go(func() { l.readLoop(c) })
		return
	}
	_ = raw.Close()
}

func (l *Listener) forget(c *Conn) {
	key := network(c.remote.Addr())
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	if l.ofAddr[key]--; l.ofAddr[key] == 0 {
		delete(l.ofAddr, key)
	}
	l.opts.Counters.Conns.Add(-1)
}

// readLoop is a connection's life.
func (l *Listener) readLoop(c *Conn) {
	defer l.forget(c)
	defer c.Close()
	r := NewFrameReader(c.raw)
	_ = c.raw.SetReadDeadline(time.Now().Add(l.opts.FirstFrame))
	first, err := r.Next()
	if err != nil {
		l.refused(err)
		return
	}
	owner := l.opts.Route(first)
	if owner == nil {
		l.opts.Counters.drop(RefuseUnknown)
		return
	}
	tune(c.raw)
	var writer sync.WaitGroup
	writer.Go(c.writeLoop)
	for frame := first; owner.Frame(c, frame, r.Ready()); {
		if frame, err = r.Next(); err != nil {
			l.ended(c, err)
			break
		}
	}
	c.Close()
	owner.Gone(c)
	writer.Wait()
}

// ended counts the end of a connection that had an owner.
func (l *Listener) ended(c *Conn, err error) {
	switch {
	case errors.Is(err, ErrFrameSize):
		l.opts.Counters.drop(EndOversized)
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.kept.Load():
		l.opts.Counters.drop(RefuseUnproven)
	}
}

func (l *Listener) refused(err error) {
	if errors.Is(err, ErrFrameSize) {
		l.opts.Counters.drop(EndOversized)
		return
	}
	l.opts.Counters.drop(RefuseSilent)
}

// unsentLow keeps what the kernel has not sent yet small: what waits with us can still be judged, video from sound.
const unsentLow = 32 << 10

// tune sets the socket beneath; a connection that came through a TLS or PROXY door has none to set.
func tune(raw net.Conn) {
	for range 4 {
		in, ok := raw.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		raw = in.NetConn()
	}
	sc, ok := raw.(syscall.Conn)
	if !ok {
		return
	}
	if rc, err := sc.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentLow)
		})
	}
}

// Close ends the listeners given to Serve and all connections, and waits for their goroutines.
func (l *Listener) Close() {
	l.mu.Lock()
	l.closed = true
	for _, ln := range l.lists {
		_ = ln.Close()
	}
	for c := range l.conns {
		c.Close()
	}
	l.mu.Unlock()
	l.wg.Wait()
}
