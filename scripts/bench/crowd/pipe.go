package crowd

import (
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/logging"
	"golang.org/x/sys/unix"
)

const pollEvery = 10 * time.Millisecond

// pipe is a client's socket as its DTLS sees it, until the handshake is done: from then on nothing is read by it.
type pipe struct {
	c        *Client
	mu       sync.Mutex // one reader at a time: first the ICE check's, then DTLS's
	parked   atomic.Bool
	idle     chan struct{} // closed when no read is under way and none will be
	onceIdle sync.Once
	closed   chan struct{}
	once     sync.Once
	deadline atomic.Int64
	ahead    [][]byte // DTLS that came before DTLS read
}

func newPipe(c *Client) *pipe {
	return &pipe{c: c, idle: make(chan struct{}), closed: make(chan struct{})}
}

// next reads one datagram of DTLS, and takes all others itself. nil: there was none for a while.
func (p *pipe) next(b []byte) []byte {
	n, err := unix.Read(p.c.fd, b)
	if err != nil || n == 0 {
		return nil
	}
	switch first := b[0]; {
	case first <= 3:
		p.c.stun(b[:n])
	case first >= 20 && first <= 63:
		return b[:n]
	case first >= 128 && (b[1] < 192 || b[1] > 223):
		p.c.first.CompareAndSwap(0, time.Now().UnixNano())
	}
	return nil
}

// readUntilMet lets the answer to the check in.
func (p *pipe) readUntilMet() {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := make([]byte, 2048)
	for {
		select {
		case <-p.c.met:
			return
		case <-p.closed:
			return
		default:
		}
		if d := p.next(b); d != nil {
			p.ahead = append(p.ahead, append([]byte(nil), d...))
		}
	}
}

// ReadFrom implements net.PacketConn.
func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	addr := net.UDPAddrFromAddrPort(p.c.remote)
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if p.parked.Load() {
			p.onceIdle.Do(func() { close(p.idle) })
			<-p.closed
			return 0, nil, net.ErrClosed
		}
		select {
		case <-p.closed:
			return 0, nil, net.ErrClosed
		default:
		}
		if d := p.deadline.Load(); d != 0 && time.Now().UnixNano() > d {
			return 0, nil, os.ErrDeadlineExceeded
		}
		if len(p.ahead) > 0 {
			n := copy(b, p.ahead[0])
			p.ahead = p.ahead[1:]
			return n, addr, nil
		}
		if d := p.next(b); d != nil {
			return len(d), addr, nil
		}
	}
}

// park ends the reading; from its return on the socket is free for another reader.
func (p *pipe) park(ctx context.Context) error {
	p.parked.Store(true)
	select {
	case <-p.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	return unix.SetNonblock(p.c.fd, true)
}

func (p *pipe) end() { p.once.Do(func() { close(p.closed) }) }

// WriteTo implements net.PacketConn.
func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	select {
	case <-p.closed:
		return 0, net.ErrClosed
	default:
	}
	return len(b), p.c.write(b)
}

// Close implements net.PacketConn; the socket is the client's.
func (p *pipe) Close() error { p.end(); return nil }

// LocalAddr implements net.PacketConn.
func (p *pipe) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(p.c.local) }

// SetDeadline implements net.PacketConn.
func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (p *pipe) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		p.deadline.Store(0)
	} else {
		p.deadline.Store(t.UnixNano())
	}
	return nil
}

// SetWriteDeadline implements net.PacketConn; writing never waits.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// quiet is the logger of the libraries.
type quiet struct{}

// NewLogger implements logging.LoggerFactory.
func (quiet) NewLogger(string) logging.LeveledLogger { return quiet{} }

// Trace and the others drop what they are given.
func (quiet) Trace(string)          {}
func (quiet) Tracef(string, ...any) {}
func (quiet) Debug(string)          {}
func (quiet) Debugf(string, ...any) {}
func (quiet) Info(string)           {}
func (quiet) Infof(string, ...any)  {}
func (quiet) Warn(string)           {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Error(string)          {}
func (quiet) Errorf(string, ...any) {}
