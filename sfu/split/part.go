package split

import (
	"net"
	"sync"
)

// part is the listener of one kind.
type part struct {
	port  *Port
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *part) give(c net.Conn) {
	select {
	case <-l.done: // a closed part takes nothing, whatever room there is
		_ = c.Close()
		return
	default:
	}
	select {
	case l.conns <- c:
		select {
		case <-l.done: // it was closed in between: nobody takes what waits
			l.drain()
		default:
		}
	case <-l.done:
		_ = c.Close()
	}
}

// drain closes what waits to be accepted.
func (l *part) drain() {
	for {
		select {
		case c := <-l.conns:
			_ = c.Close()
			continue
		default:
		}
		return
	}
}

// Accept implements net.Listener.
func (l *part) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends this part only: the port goes on with the others.
func (l *part) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.drain()
	})
	return nil
}

// Addr is the port's first listener's.
func (l *part) Addr() net.Addr {
	l.port.mu.Lock()
	defer l.port.mu.Unlock()
	if len(l.port.listeners) == 0 {
		return &net.TCPAddr{}
	}
	return l.port.listeners[0].Addr()
}

// peeked is a connection whose first bytes were read already.
type peeked struct {
	net.Conn
	head []byte
}

// Read gives the first bytes again.
func (c *peeked) Read(b []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(b, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// NetConn is the connection below, for who sets its socket's options.
func (c *peeked) NetConn() net.Conn { return c.Conn }
