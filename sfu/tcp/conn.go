package tcp

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what waits to be sent on one connection. At 2 Mbit/s the whole is one second. Video may fill half, so that
// sound and control still find room behind it.
const (
	queueBytes = 256 << 10
	videoBytes = queueBytes / 2
	stalled    = 10 * time.Second // without progress of a write a connection is ended
)

// Conn is one framed connection. Buf, Discard and Flush belong to the loop of its owner.
type Conn struct {
	// static
	raw      net.Conn
	remote   netip.AddrPort
	local    netip.Addr
	counters *Counters
	wake     chan struct{} // something to write, or closed
	ended    chan struct{}
	once     sync.Once

	// owned by the owner's loop
	stage []byte
	last  int // where the newest frame begins

	kept   atomic.Bool  // its owner vouches for it
	queued atomic.Int64 // bytes handed over and not yet taken by the kernel

	// guarded by mu
	mu     sync.Mutex
	out    []byte
	closed bool
}

func newConn(raw net.Conn, counters *Counters) *Conn {
	return &Conn{
		raw: raw, remote: addrOf(raw.RemoteAddr()), local: addrOf(raw.LocalAddr()).Addr(), counters: counters,
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
}

func addrOf(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Remote is the peer's address, IPv4 unmapped.
func (c *Conn) Remote() netip.AddrPort { return c.remote }

// Local is the address that the peer connected to.
func (c *Conn) Local() netip.Addr { return c.local }

// Keep says that the peer has proven who it is: until then the connection lasts no longer than the time for its first
// frame, and from here on the owner says how long it may be silent.
func (c *Conn) Keep() {
	c.kept.Store(true)
	_ = c.raw.SetReadDeadline(time.Time{})
}

// Buf gives room for one datagram of n bytes; nil when the queue is full or n is no datagram's size. It leaves with
// Flush, written or not, unless Discard takes it back.
func (c *Conn) Buf(n int, video bool) []byte {
	if n < 1 || n > MaxFrame {
		return nil
	}
	limit, why := queueBytes, DropFull
	if video {
		limit, why = videoBytes, DropFullVideo
	}
	if int(c.queued.Load())+len(c.stage)+headerLen+n > limit {
		c.counters.drop(why)
		return nil
	}
	c.last = len(c.stage)
	c.stage = binary.BigEndian.AppendUint16(c.stage, uint16(n))
	at := len(c.stage)
	c.stage = append(c.stage, make([]byte, n)...)
	return c.stage[at : at+n : at+n]
}

// Discard takes the newest Buf back.
func (c *Conn) Discard() { c.stage = c.stage[:c.last] }

// Flush hands the staged frames to the writer. It never waits for the peer.
func (c *Conn) Flush() {
	if len(c.stage) == 0 {
		return
	}
	if !c.hand(c.stage) {
		c.counters.drop(DropGone)
	}
	c.stage, c.last = c.stage[:0], 0
}

// Write sends one datagram of the engine; safe from any goroutine. It never waits for the peer.
func (c *Conn) Write(b []byte) error {
	if len(b) == 0 || len(b) > MaxFrame {
		return os.ErrInvalid
	}
	if int(c.queued.Load())+headerLen+len(b) > queueBytes {
		c.counters.drop(DropControl)
		return os.ErrDeadlineExceeded
	}
	var frame [headerLen + MaxFrame]byte
	if !c.hand(AppendFrame(frame[:0], b)) {
		return net.ErrClosed
	}
	return nil
}

func (c *Conn) hand(b []byte) bool {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	c.out = append(c.out, b...)
	c.queued.Add(int64(len(b)))
	c.mu.Unlock()
	c.signal()
	return true
}

func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Close ends the connection; what is queued is lost.
func (c *Conn) Close() {
	c.once.Do(func() {
		c.mu.Lock()
		c.closed, c.out = true, nil
		c.mu.Unlock()
		close(c.ended)
		_ = c.raw.Close()
	})
}

// Closed says whether the connection has ended.
func (c *Conn) Closed() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// writeLoop is the only writer of the socket. Two buffers take turns: one is filled while the other is written.
func (c *Conn) writeLoop() {
	var spare []byte
	for {
		select {
		case <-c.wake:
		case <-c.ended:
			return
		}
		c.mu.Lock()
		b := c.out
		c.out = spare[:0]
		c.mu.Unlock()
		if err := c.writeAll(b); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.counters.drop(EndStalled)
			}
			c.Close()
			return
		}
		spare = b
	}
}

// writeAll writes in parts, so that slow progress is told from none.
func (c *Conn) writeAll(b []byte) error {
	const part = 16 << 10
	for len(b) > 0 {
		if err := c.raw.SetWriteDeadline(time.Now().Add(stalled)); err != nil {
			return err
		}
		n, err := c.raw.Write(b[:min(part, len(b))])
		c.queued.Add(int64(-n))
		if b = b[n:]; err != nil {
			return err
		}
	}
	return nil
}
