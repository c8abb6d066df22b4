//go:build linux

package udp

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// faulty replaces the system call of b: fail decides per message (by its
// destination port and segment count) and sees each message as the kernel
// would. What passes is really sent.
func faulty(b *Batch, fail func(port uint16, segmented bool) syscall.Errno) {
	b.sendmmsg = func(fd uintptr, msgs *unix.Mmsghdr, n int) (int, syscall.Errno) {
		list := unsafe.Slice(msgs, n)
		for i := range list {
			port := binary.BigEndian.Uint16(unsafe.Slice(list[i].Hdr.Name, 4)[2:])
			if errno := fail(port, list[i].Hdr.Controllen > 0); errno != 0 {
				if i == 0 {
					return -1, errno
				}
				return i, 0 // as the kernel: the error waits for the next call
			}
			if sent, errno := sendmmsg(fd, &list[i], 1); errno != 0 || sent != 1 {
				return i, errno
			}
		}
		return n, 0
	}
}

// threeDests fills one batch with runs of five to each of three receivers.
func threeDests(t *testing.T, tx *Socket) (b *Batch, rxs []*Socket) {
	b = tx.NewBatch()
	for range 3 {
		rx := listen(t, "127.0.0.1:0", Options{})
		rxs = append(rxs, rx)
		d := dest(t, tx, rx.LocalAddr())
		for i := range 5 {
			numbered(b.Buf(d, 1000), i)
		}
	}
	return b, rxs
}

func wantNumbered(t *testing.T, rx *Socket, n int) {
	t.Helper()
	for i, p := range collect(t, rx, n).pkts {
		if got := int(binary.BigEndian.Uint32(p)); got != i || len(p) != 1000 {
			t.Fatalf("datagram %d carries %d in %d bytes", i, got, len(p))
		}
	}
}

func TestAFailingDestinationDoesNotHarmTheOthers(t *testing.T) {
	for _, tc := range []struct {
		errno syscall.Errno
		drop  Drop
	}{
		{unix.EPERM, DropRefused}, {unix.EACCES, DropRefused},
		{unix.ENETUNREACH, DropUnreachable}, {unix.EHOSTUNREACH, DropUnreachable},
		{unix.ECONNREFUSED, DropUnreachable}, {unix.ENOBUFS, DropNoBuffers},
		{unix.EMSGSIZE, DropTooBig}, {unix.EINVAL, DropOther}, {unix.EBADMSG, DropOther},
	} {
		t.Run(tc.errno.Error(), func(t *testing.T) {
			tx := listen(t, "127.0.0.1:0", Options{})
			b, rxs := threeDests(t, tx)
			bad := rxs[1].LocalAddr().Port()
			faulty(b, func(port uint16, _ bool) syscall.Errno {
				if port == bad {
					return tc.errno
				}
				return 0
			})
			b.Flush()
			wantNumbered(t, rxs[0], 5)
			wantNumbered(t, rxs[2], 5)
			c := tx.Counters()
			if got := c.Dropped[tc.drop].Load(); got != 5 {
				t.Errorf("%v = %d, want 5", tc.drop, got)
			}
			if got := c.TxDatagrams.Load(); got != 10 {
				t.Errorf("TxDatagrams = %d, want 10", got)
			}
			if !tx.offload.GSO() {
				t.Error("GSO was turned off")
			}
		})
	}
}

func TestEIOTurnsSegmentationOffAndResends(t *testing.T) {
	off := &Offload{}
	tx, other := listen(t, "127.0.0.1:0", Options{Offload: off}), listen(t, "127.0.0.1:0", Options{Offload: off})
	b, rxs := threeDests(t, tx)
	faulty(b, func(_ uint16, segmented bool) syscall.Errno {
		if segmented {
			return unix.EIO
		}
		return 0
	})
	b.Flush()
	for _, rx := range rxs {
		wantNumbered(t, rx, 5)
	}
	if off.GSO() || other.offload.GSO() {
		t.Error("GSO still on for the node")
	}
	c := tx.Counters()
	if got := c.TxMessages.Load(); got != 15 {
		t.Errorf("TxMessages = %d, want 15", got)
	}
	// From now on no run is formed at all.
	d := dest(t, tx, rxs[0].LocalAddr())
	for i := range 5 {
		numbered(b.Buf(d, 1000), i)
	}
	if b.commit(); b.runs != 5 {
		t.Errorf("%d runs, want 5", b.runs)
	}
	b.Flush()
	wantNumbered(t, rxs[0], 5)
}

func TestARunTooBigForThePathGoesUnsegmented(t *testing.T) {
	for _, errno := range []syscall.Errno{unix.EMSGSIZE, unix.EINVAL} {
		tx := listen(t, "127.0.0.1:0", Options{})
		b, rxs := threeDests(t, tx)
		bad := rxs[0].LocalAddr().Port()
		faulty(b, func(port uint16, segmented bool) syscall.Errno {
			if segmented && port == bad {
				return errno
			}
			return 0
		})
		b.Flush()
		for _, rx := range rxs {
			wantNumbered(t, rx, 5)
		}
		if got := tx.Counters().TxSplits.Load(); got != 1 {
			t.Errorf("TxSplits = %d", got)
		}
		if !tx.offload.GSO() {
			t.Error("one path turned GSO off for all")
		}
	}
}

func TestALateRefusalIsNotBlamedOnTheNextDestination(t *testing.T) {
	tx := listen(t, "127.0.0.1:0", Options{})
	b, rxs := threeDests(t, tx)
	once := true
	faulty(b, func(uint16, bool) syscall.Errno {
		if once {
			once = false
			return unix.ECONNREFUSED
		}
		return 0
	})
	b.Flush()
	for _, rx := range rxs {
		wantNumbered(t, rx, 5)
	}
}

func TestAFullSendBufferIsWaitedForOnceThenDropped(t *testing.T) {
	tx := listen(t, "127.0.0.1:0", Options{})
	b, rxs := threeDests(t, tx)
	calls := 0
	faulty(b, func(port uint16, _ bool) syscall.Errno {
		if port == rxs[0].LocalAddr().Port() {
			return 0
		}
		calls++
		return unix.EAGAIN
	})
	start := time.Now()
	b.Flush()
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("Flush took %v", d)
	}
	wantNumbered(t, rxs[0], 5)
	c := tx.Counters()
	if got := c.Dropped[DropWouldBlock].Load(); got != 10 {
		t.Errorf("would_block = %d, want 10", got)
	}
	if got := c.SendWaits.Load(); got != 1 || calls > 4 {
		t.Errorf("%d waits, %d tries", got, calls)
	}
	// The next flush starts anew.
	b.sendmmsg = sendmmsg
	d := dest(t, tx, rxs[1].LocalAddr())
	for i := range 5 {
		numbered(b.Buf(d, 1000), i)
	}
	b.Flush()
	wantNumbered(t, rxs[1], 5)
}

func TestARealSendBufferThatFillsUpNeverBlocks(t *testing.T) {
	// Nobody reads rx, but a UDP receiver that is full drops; the send buffer
	// empties at once on loopback. So this only shows that a tiny buffer works.
	tx := listen(t, "127.0.0.1:0", Options{SendBuffer: 4096})
	rx := listen(t, "127.0.0.1:0", Options{})
	d, b := dest(t, tx, rx.LocalAddr()), tx.NewBatch()
	for i := range 200 {
		numbered(b.Buf(d, 1000), i)
	}
	b.Flush()
	c := tx.Counters()
	sent, dropped := c.TxDatagrams.Load(), uint64(0)
	for i := range c.Dropped {
		dropped += c.Dropped[i].Load()
	}
	if sent+dropped != 200 {
		t.Errorf("sent %d + dropped %d != 200", sent, dropped)
	}
}

func TestRealRefusalsOfTheKernelAreNamed(t *testing.T) {
	tx := listen(t, "0.0.0.0:0", Options{})
	rx := listen(t, "127.0.0.1:0", Options{})
	bad := dest(t, tx, netip.MustParseAddrPort("255.255.255.255:9")) // needs SO_BROADCAST
	good, b := dest(t, tx, rx.LocalAddr()), tx.NewBatch()
	for i := range 5 {
		numbered(b.Buf(bad, 1000), i)
	}
	for i := range 5 {
		numbered(b.Buf(good, 1000), i)
	}
	b.Flush()
	wantNumbered(t, rx, 5)
	c := tx.Counters()
	if c.Dropped[DropRefused].Load()+c.Dropped[DropUnreachable].Load() != 5 {
		t.Errorf("refused %d, unreachable %d, other %d", c.Dropped[DropRefused].Load(),
			c.Dropped[DropUnreachable].Load(), c.Dropped[DropOther].Load())
	}
	if err := tx.SendTo(bad.Addr(), []byte("x")); err == nil {
		t.Error("SendTo succeeded")
	}
	if err := tx.SendTo(netip.MustParseAddrPort("[::1]:9"), []byte("x")); err == nil {
		t.Error("SendTo to the wrong family succeeded")
	}
	if got := c.ControlErrors.Load(); got != 2 {
		t.Errorf("ControlErrors = %d, want 2", got)
	}
}

func TestOneCallStaysBounded(t *testing.T) {
	tx := listen(t, "127.0.0.1:0", Options{})
	b := tx.NewBatch()
	ones, runs := make([]uint16, 100), make([]uint16, 100)
	for i := range ones {
		ones[i], runs[i] = 1, maxSegments
	}
	if got := b.callSize(ones); got != callMessages {
		t.Errorf("%d single messages in one call", got)
	}
	if got := b.callSize(runs); got != callDatagrams/maxSegments {
		t.Errorf("%d full runs in one call", got)
	}
	if got := b.callSize(ones[:7]); got != 7 {
		t.Errorf("%d of 7 in one call", got)
	}
	tx.offload.DisableGSO()
	if got := b.callSize([]uint16{1, 1, 5, 1}); got != 2 {
		t.Errorf("%d messages before a run that must be split", got)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	rx, tx := listen(t, "127.0.0.1:0", Options{}), listen(t, "127.0.0.1:0", Options{})
	d, b := dest(t, tx, rx.LocalAddr()), tx.NewBatch()
	h := &discard{}
	allocs := testing.AllocsPerRun(500, func() {
		for i := range 40 {
			if b.Buf(d, 1100-i%2) == nil {
				t.Fatal("no room")
			}
		}
		b.Flush()
		want := h.n + 40
		for h.n < want {
			if _, err := rx.Recv(time.Now().Add(time.Second), h); err != nil {
				t.Fatal(err)
			}
		}
		_ = tx.SendTo(rx.LocalAddr(), h.pkt[:])
		for h.n == want {
			if _, err := rx.Recv(time.Time{}, h); err != nil {
				t.Fatal(err)
			}
		}
		rx.Wake()
		_, _ = rx.Recv(time.Time{}, h)
		_, _ = rx.Recv(time.Now().Add(50*time.Microsecond), h) // times out
	})
	if allocs != 0 {
		t.Errorf("%v allocations per batch", allocs)
	}
}

type discard struct {
	n   int
	pkt [100]byte
}

func (d *discard) Datagram(netip.AddrPort, []byte) { d.n++ }
func (d *discard) Drained()                        {}
