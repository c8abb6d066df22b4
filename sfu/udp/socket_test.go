//go:build linux

package udp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// sink is a Handler that keeps copies of what it gets.
type sink struct {
	pkts   [][]byte
	srcs   []netip.AddrPort
	drains int
}

func (k *sink) Datagram(src netip.AddrPort, pkt []byte) {
	k.pkts = append(k.pkts, bytes.Clone(pkt))
	k.srcs = append(k.srcs, src)
}

func (k *sink) Drained() { k.drains++ }

func listen(t testing.TB, addr string, opts Options) *Socket {
	t.Helper()
	s, err := Listen(netip.MustParseAddrPort(addr), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func dest(t testing.TB, s *Socket, addr netip.AddrPort) *Dest {
	t.Helper()
	d, err := s.Dest(addr)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// collect receives until n datagrams are there.
func collect(t testing.TB, s *Socket, n int) *sink {
	t.Helper()
	k := &sink{}
	deadline := time.Now().Add(5 * time.Second)
	for len(k.pkts) < n {
		if _, err := s.Recv(deadline, k); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %d of %d datagrams", len(k.pkts), n)
		}
	}
	return k
}

// numbered is a datagram of the given size that carries i.
func numbered(buf []byte, i int) {
	for j := range buf {
		buf[j] = byte(j * i)
	}
	binary.BigEndian.PutUint32(buf, uint32(i))
}

func TestDatagramsOfManySizesArriveWholeAndInOrder(t *testing.T) {
	for _, tc := range []struct {
		name string
		opts Options
		gso  bool
	}{
		{"gso and gro", Options{}, true},
		{"gso without gro", Options{NoGRO: true}, true},
		{"plain", Options{NoGRO: true}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rx := listen(t, "127.0.0.1:0", tc.opts)
			off := &Offload{}
			if !tc.gso {
				off.DisableGSO()
			}
			tx := listen(t, "127.0.0.1:0", Options{Offload: off})
			d, b := dest(t, tx, rx.LocalAddr()), tx.NewBatch()
			// equal runs, a shorter tail, a longer one after it, 16+ in a row
			sizes := []int{1100, 1100, 1100, 600, 1100, 1200, 1200, 50, 50, 4, 2048}
			for range 40 {
				sizes = append(sizes, 1111)
			}
			for i, n := range sizes {
				numbered(b.Buf(d, n), i)
			}
			if b.Len() != len(sizes) {
				t.Errorf("Len = %d", b.Len())
			}
			b.Flush()
			k := collect(t, rx, len(sizes))
			for i, n := range sizes {
				want := make([]byte, n)
				numbered(want, i)
				if !bytes.Equal(k.pkts[i], want) {
					t.Fatalf("datagram %d: %d bytes, want %d", i, len(k.pkts[i]), n)
				}
				if k.srcs[i] != tx.LocalAddr() {
					t.Fatalf("source %v, want %v", k.srcs[i], tx.LocalAddr())
				}
			}
			if k.drains == 0 || k.drains > len(sizes) {
				t.Errorf("Drained called %d times", k.drains)
			}
			c := tx.Counters()
			if got := c.TxDatagrams.Load(); got != uint64(len(sizes)) {
				t.Errorf("TxDatagrams = %d", got)
			}
			messages := uint64(len(sizes))
			if tc.gso { // 3x1100+600, 1100, 2x1200+50, 50+4, 2048+1111, 16+16+7 of 1111
				messages = 8
			}
			if got := c.TxMessages.Load(); got != messages {
				t.Errorf("TxMessages = %d, want %d", got, messages)
			}
			if got := rx.Counters().RxDatagrams.Load(); got != uint64(len(sizes)) {
				t.Errorf("RxDatagrams = %d", got)
			}
		})
	}
}

func TestOrderPerDestinationSurvivesInterleaving(t *testing.T) {
	tx := listen(t, "127.0.0.1:0", Options{})
	var rxs []*Socket
	var dests []*Dest
	for range 3 {
		rx := listen(t, "127.0.0.1:0", Options{})
		rxs, dests = append(rxs, rx), append(dests, dest(t, tx, rx.LocalAddr()))
	}
	b := tx.NewBatch()
	const rounds = 400 // more runs than the batch holds: it flushes by itself
	for i := range rounds {
		for _, d := range dests {
			numbered(b.Buf(d, 100+i%3), i)
		}
	}
	b.Flush()
	for _, rx := range rxs {
		for i, p := range collect(t, rx, rounds).pkts {
			if got := binary.BigEndian.Uint32(p); int(got) != i {
				t.Fatalf("datagram %d carries %d", i, got)
			}
		}
	}
}

func TestDiscardedDatagramIsNotSent(t *testing.T) {
	rx, tx := listen(t, "127.0.0.1:0", Options{}), listen(t, "127.0.0.1:0", Options{})
	d, b := dest(t, tx, rx.LocalAddr()), tx.NewBatch()
	for i := range 6 {
		numbered(b.Buf(d, 500), i)
		if i%2 == 1 {
			b.Discard()
		}
	}
	if b.Len() != 3 {
		t.Fatalf("Len = %d, want 3", b.Len())
	}
	b.Flush()
	for i, p := range collect(t, rx, 3).pkts {
		if got := int(binary.BigEndian.Uint32(p)); got != 2*i {
			t.Errorf("datagram %d carries %d", i, got)
		}
	}
}

func TestBufRefusesImpossibleSizes(t *testing.T) {
	tx := listen(t, "127.0.0.1:0", Options{})
	d, b := dest(t, tx, tx.LocalAddr()), tx.NewBatch()
	for _, n := range []int{-1, 0, MaxDatagram + 1} {
		if b.Buf(d, n) != nil {
			t.Errorf("Buf(%d) gave room", n)
		}
	}
	if b.Len() != 0 {
		t.Errorf("Len = %d", b.Len())
	}
}

func TestDualStackSocketSpeaksBothFamilies(t *testing.T) {
	dual := listen(t, "[::]:0", Options{})
	for _, local := range []string{"127.0.0.1:0", "[::1]:0"} {
		peer := listen(t, local, Options{})
		to := netip.AddrPortFrom(peer.LocalAddr().Addr(), dual.LocalAddr().Port())
		if err := peer.SendTo(to, []byte("ping")); err != nil {
			t.Fatal(err)
		}
		k := collect(t, dual, 1)
		if k.srcs[0] != peer.LocalAddr() {
			t.Fatalf("source %v, want %v", k.srcs[0], peer.LocalAddr())
		}
		d := dest(t, dual, k.srcs[0])
		if d.Addr() != peer.LocalAddr() {
			t.Errorf("Addr = %v", d.Addr())
		}
		b := dual.NewBatch()
		for i := range 5 {
			numbered(b.Buf(d, 900), i)
		}
		b.Flush()
		if got := collect(t, peer, 5).srcs[4]; got != to {
			t.Errorf("answer from %v, want %v", got, to)
		}
	}
	// A v4-mapped address is the same destination as the plain one.
	d := dest(t, dual, netip.MustParseAddrPort("[::ffff:127.0.0.1]:9"))
	if !d.Addr().Addr().Is4() {
		t.Errorf("mapped address kept: %v", d.Addr())
	}
}

func TestDestRefusesAnUnreachableFamily(t *testing.T) {
	s := listen(t, "127.0.0.1:0", Options{})
	for _, addr := range []netip.AddrPort{netip.MustParseAddrPort("[::1]:9"), {}} {
		if _, err := s.Dest(addr); err == nil {
			t.Errorf("Dest(%v) succeeded", addr)
		}
	}
}

func TestSendToIsSafeFromManyGoroutines(t *testing.T) {
	rx, tx := listen(t, "127.0.0.1:0", Options{}), listen(t, "127.0.0.1:0", Options{})
	d, b := dest(t, tx, rx.LocalAddr()), tx.NewBatch()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if err := tx.SendTo(rx.LocalAddr(), []byte("control")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 100 {
		numbered(b.Buf(d, 1000), i)
		if i%10 == 9 {
			b.Flush()
		}
	}
	wg.Wait()
	collect(t, rx, 300)
	if got := tx.Counters().ControlDatagrams.Load(); got != 200 {
		t.Errorf("ControlDatagrams = %d", got)
	}
}

func TestOptionsAndListenErrors(t *testing.T) {
	if _, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), Options{ReceiveBuffer: -1}); err == nil {
		t.Error("negative buffer accepted")
	}
	if _, err := Listen(netip.AddrPort{}, Options{}); err == nil {
		t.Error("invalid address accepted")
	}
	s := listen(t, "127.0.0.1:0", Options{ReceiveBuffer: 1 << 20, SendBuffer: 1 << 20})
	if _, err := Listen(s.LocalAddr(), Options{}); err == nil {
		t.Error("bound one address twice")
	}
	recv, send, err := s.BufferSizes()
	if err != nil || recv < 1<<17 || send < 1<<17 {
		t.Errorf("BufferSizes = %d, %d, %v", recv, send, err)
	}
	if len(Drops()) != int(numDrops) {
		t.Error("Drops is incomplete")
	}
	seen := map[string]bool{}
	for _, d := range Drops() {
		if seen[d.String()] {
			t.Errorf("two drops called %q", d)
		}
		seen[d.String()] = true
	}
}
