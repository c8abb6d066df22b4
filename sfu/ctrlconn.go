package sfu

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"incamera/sfu/udp"
)

// ctrlQueue is how many STUN and DTLS datagrams may wait for the engine. A burst of joins needs some 5 each.
const ctrlQueue = 1024

// ctrlMost is the longest datagram that the engine is given.
const ctrlMost = 1600

// ctrlConn is what the ICE and DTLS engine takes for its UDP socket: it is fed with STUN and DTLS by the shard, writes
// past the media path, and refuses to write RTP or RTCP. The engine holds the same SRTP keys as the node, so one media
// byte of its own under them would break confidentiality.
type ctrlConn struct {
	// static
	local  net.Addr
	socket *udp.Socket
	in     chan *ctrlPacket
	closed chan struct{}
	pool   sync.Pool

	once     sync.Once
	hushed   atomic.Int32
	refused  atomic.Uint64
	dropped  atomic.Uint64
	onRefuse func() // called for each refused write
}

type ctrlPacket struct {
	src netip.AddrPort
	n   int
	buf [ctrlMost]byte
}

func newCtrlConn(socket *udp.Socket, local net.Addr, onRefuse func()) *ctrlConn {
	return &ctrlConn{
		local: local, socket: socket, onRefuse: onRefuse,
		in:     make(chan *ctrlPacket, ctrlQueue),
		closed: make(chan struct{}),
		pool:   sync.Pool{New: func() any { return new(ctrlPacket) }},
	}
}

// feed hands a datagram to the engine; false when it is dropped because the queue is full or it is too long.
func (c *ctrlConn) feed(src netip.AddrPort, pkt []byte) bool {
	p, ok := c.pool.Get().(*ctrlPacket)
	if !ok || len(pkt) > len(p.buf) {
		c.dropped.Add(1)
		return false
	}
	p.src, p.n = src, copy(p.buf[:], pkt)
	select {
	case c.in <- p:
		return true
	default:
		c.pool.Put(p)
		c.dropped.Add(1)
		return false
	}
}

// ReadFromAddrPort is the engine's read.
func (c *ctrlConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-c.in:
		n, src := copy(b, p.buf[:p.n]), p.src
		c.pool.Put(p)
		return n, src, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// WriteToAddrPort is the engine's write. It never blocks. First bytes 128 to 191 are RTP and RTCP (RFC 7983).
func (c *ctrlConn) WriteToAddrPort(b []byte, dst netip.AddrPort) (int, error) {
	if len(b) > 0 && b[0] >= 128 && b[0] <= 191 {
		c.refused.Add(1)
		c.onRefuse()
		return 0, os.ErrPermission
	}
	if c.hushed.Load() > 0 && farewell(b) {
		return len(b), nil
	}
	if err := c.socket.SendTo(dst, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ReadFrom implements net.PacketConn.
func (c *ctrlConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, src, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(src), nil
}

// WriteTo implements net.PacketConn.
func (c *ctrlConn) WriteTo(b []byte, dst net.Addr) (int, error) {
	addr, ok := dst.(*net.UDPAddr)
	if !ok {
		return 0, os.ErrInvalid
	}
	return c.WriteToAddrPort(b, addr.AddrPort())
}

// Close ends the engine's reads; the socket is the shard's.
func (c *ctrlConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// LocalAddr implements net.PacketConn.
func (c *ctrlConn) LocalAddr() net.Addr { return c.local }

// SetDeadline and its two kin do nothing: reads end by Close, writes never wait.
func (c *ctrlConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *ctrlConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *ctrlConn) SetWriteDeadline(time.Time) error { return nil }
