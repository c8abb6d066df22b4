package udp

import (
	"net"
	"net/netip"
	"time"
)

// Handler gets what a Recv drained. Called on Recv's goroutine.
type Handler interface {
	// Datagram gets one datagram. An IPv4 source is always a plain IPv4
	// address, also on a dual-stack socket. pkt is valid until Recv is called
	// again and may be changed in place.
	Datagram(src netip.AddrPort, pkt []byte)
	// Drained is called once after the last datagram of a batch, and not
	// when there was none.
	Drained()
}

// Socket is one bound UDP socket.
type Socket struct {
	counters Counters
}

// Listen binds a non-blocking UDP socket. The address [::] takes IPv4 too.
func Listen(addr netip.AddrPort, opts Options) (*Socket, error) { return nil, net.ErrClosed }

// LocalAddr is the bound address with its real port.
func (s *Socket) LocalAddr() netip.AddrPort { return netip.AddrPort{} }

// Counters of the socket.
func (s *Socket) Counters() *Counters { return &s.counters }

// Recv waits until datagrams are there, the deadline has passed (zero: no
// deadline), or Wake was called; then hands at most one batch of 64 messages
// to h and returns the number of datagrams. A deadline in the past polls. The
// error is nil, also for a deadline or a wake (n is 0), or net.ErrClosed after
// Close, or a fatal error of the socket. One goroutine at a time.
func (s *Socket) Recv(deadline time.Time, h Handler) (n int, err error) { return 0, net.ErrClosed }

// Wake makes the running Recv, or else the next one, return at once. Wakes
// before a return count as one. What was queued before Wake is visible to the
// loop after Recv returns. Safe for concurrent use.
func (s *Socket) Wake() {}

// SendTo sends one control datagram (STUN, DTLS) now, past any Batch. It never
// blocks: a full send buffer is an error. Safe for concurrent use.
func (s *Socket) SendTo(dst netip.AddrPort, pkt []byte) error { return net.ErrClosed }

// Close ends a running Recv and frees the socket. Idempotent.
func (s *Socket) Close() error { return nil }

// Dest is a prebuilt destination of a socket; immutable, made once per peer
// address and replaced as a whole when the address changes.
type Dest struct {
	addr netip.AddrPort
}

// Dest prebuilds a destination. It fails for an address that the socket's
// family cannot reach.
func (s *Socket) Dest(addr netip.AddrPort) (*Dest, error) { return nil, net.ErrClosed }

// Addr is the address the Dest was made from (IPv4 unmapped).
func (d *Dest) Addr() netip.AddrPort { return d.addr }

// Batch collects datagrams in one arena and sends them with as few system
// calls as possible. Owned by one goroutine. Consecutive datagrams to one *Dest
// form GSO runs, so fill it destination by destination. The order per
// destination is the order of the Buf calls.
type Batch struct{}

// NewBatch makes an empty batch. It owns about 1 MiB.
func (s *Socket) NewBatch() *Batch { return &Batch{} }

// Buf reserves the next datagram, n bytes to dst, and returns its bytes to be
// filled before the next call on the batch. n is the exact size of the
// datagram, 1..MaxDatagram; other sizes return nil. A full batch is flushed
// first.
func (b *Batch) Buf(dst *Dest, n int) []byte { return nil }

// Discard takes the datagram of the last Buf back, for when sealing failed.
func (b *Batch) Discard() {}

// Len is the number of datagrams not yet sent.
func (b *Batch) Len() int { return 0 }

// Flush sends everything. Losses are counted by reason in Counters, never
// returned; an unreachable destination does not harm the others.
func (b *Batch) Flush() {}

// MaxDatagram is the biggest datagram that Buf gives room for.
const MaxDatagram = 2048
