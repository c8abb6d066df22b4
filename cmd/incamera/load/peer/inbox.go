package peer

import (
	"net"
	"os"
	"sync"
	"time"

	"github.com/pion/transport/v5/deadline"

	"incamera/cmd/incamera/load/receive"
)

// inboxLen bounds the handshake datagrams that wait; DTLS repeats what is lost.
const inboxLen = 32

// inbox is the connection that DTLS reads: fed by the loop's thread, written straight to the socket.
type inbox struct {
	socket *receive.Socket
	in     chan []byte
	read   *deadline.Deadline
	once   sync.Once
	gone   chan struct{}
}

func newInbox() *inbox {
	return &inbox{in: make(chan []byte, inboxLen), read: deadline.New(), gone: make(chan struct{})}
}

// put takes a datagram, or drops it when nobody reads.
func (c *inbox) put(pkt []byte) {
	select {
	case c.in <- append([]byte(nil), pkt...):
	default:
	}
}

func (c *inbox) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-c.gone:
		return 0, nil, net.ErrClosed
	case <-c.read.Done():
		return 0, nil, os.ErrDeadlineExceeded
	case pkt := <-c.in:
		return copy(b, pkt), c.remote(), nil
	}
}

func (c *inbox) WriteTo(b []byte, _ net.Addr) (int, error) {
	if err := c.socket.Send(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *inbox) Close() error {
	c.once.Do(func() { close(c.gone) })
	return nil
}

func (c *inbox) remote() net.Addr    { return net.UDPAddrFromAddrPort(c.socket.Remote()) }
func (c *inbox) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.socket.Local()) }

func (c *inbox) SetReadDeadline(t time.Time) error {
	c.read.Set(t)
	return nil
}
func (c *inbox) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *inbox) SetWriteDeadline(_ time.Time) error { return nil } // a write never waits
