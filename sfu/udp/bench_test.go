//go:build linux

package udp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"incamera/sfu/srtp"
)

const benchDests = 30

// threadTime is the CPU time (user and system) of this thread. Wall time would
// bill a benchmark on a shared machine for its neighbours.
func threadTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchSockets are one sender and many receivers that nobody reads: what
// arrives in a full receive buffer is dropped by the kernel, so waking readers
// is not part of the figure. They have no GRO, so the kernel segments runs.
func benchSockets(b *testing.B, gso bool) (tx *Socket, dests []*Dest) {
	off := &Offload{}
	if !gso {
		off.DisableGSO()
	}
	tx = listen(b, "127.0.0.1:0", Options{Offload: off})
	for range benchDests {
		rx := listen(b, "127.0.0.1:0", Options{ReceiveBuffer: 64 << 10, NoGRO: true})
		dests = append(dests, dest(b, tx, rx.LocalAddr()))
	}
	return tx, dests
}

// perPacket runs one batch per iteration and reports thread CPU time per
// datagram.
func perPacket(b *testing.B, tx *Socket, packets int, batch func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ReportAllocs()
	start := threadTime(b)
	for b.Loop() {
		batch()
	}
	total := float64(b.N) * float64(packets)
	b.ReportMetric(float64(threadTime(b)-start)/total, "cpu-ns/pkt")
	if n := tx.Counters().TxDatagrams.Load(); float64(n) < total {
		b.Fatalf("sent %d of %v", n, total)
	}
}

func eachDepth(b *testing.B, f func(b *testing.B, gso bool, depth int)) {
	for _, gso := range []bool{true, false} {
		for _, depth := range []int{1, 2, 5, 10} {
			b.Run(fmt.Sprintf("gso=%v/depth=%d", gso, depth), func(b *testing.B) { f(b, gso, depth) })
		}
	}
}

// BenchmarkFlush sends depth 1100-byte datagrams to each of 30 destinations
// per flush.
func BenchmarkFlush(b *testing.B) {
	eachDepth(b, func(b *testing.B, gso bool, depth int) {
		tx, dests := benchSockets(b, gso)
		batch := tx.NewBatch()
		perPacket(b, tx, benchDests*depth, func() {
			for _, d := range dests {
				for range depth {
					batch.Buf(d, 1100)[0] = 0x80
				}
			}
			batch.Flush()
		})
	})
}

// BenchmarkSealAndFlush is the sending half of forwarding: header into the
// arena, payload sealed from elsewhere (AEAD_AES_128_GCM), 30 receivers with
// keys of their own, one flush.
func BenchmarkSealAndFlush(b *testing.B) {
	eachDepth(b, func(b *testing.B, gso bool, depth int) {
		tx, dests := benchSockets(b, gso)
		batch := tx.NewBatch()
		var streams []*srtp.Stream
		for i := range dests {
			key := make([]byte, 16)
			key[0] = byte(i)
			out, err := srtp.NewOut(srtp.ProfileAES128GCM, key, make([]byte, 12))
			if err != nil {
				b.Fatal(err)
			}
			s, err := out.Stream(1)
			if err != nil {
				b.Fatal(err)
			}
			streams = append(streams, s)
		}
		var hdr [32]byte
		hdr[0], hdr[1], hdr[11], hdr[14], hdr[15] = 0x90, 96, 1, 0, 4
		slots := make([][1084 - len(hdr)]byte, 64)
		index := uint64(0)
		perPacket(b, tx, benchDests*depth, func() {
			for i, d := range dests {
				for k := range uint64(depth) {
					n := index + k
					binary.BigEndian.PutUint16(hdr[2:], uint16(n))
					buf := batch.Buf(d, 1100)
					copy(buf, hdr[:])
					if _, err := streams[i].Seal(buf, len(hdr), slots[n%64][:], uint32(n>>16), uint16(n)); err != nil {
						b.Fatal(err)
					}
				}
			}
			batch.Flush()
			index += uint64(depth)
		})
	})
}

type counter struct{ n int }

func (c *counter) Datagram(netip.AddrPort, []byte) { c.n++ }
func (c *counter) Drained()                        {}

// BenchmarkRecv drains a filled socket; ns/pkt is the drain alone.
func BenchmarkRecv(b *testing.B) {
	for _, depth := range []int{1, 2, 5, 10} {
		b.Run(fmt.Sprintf("gro=%d", depth), func(b *testing.B) {
			rx, tx := listen(b, "127.0.0.1:0", Options{}), listen(b, "127.0.0.1:0", Options{})
			d, batch := dest(b, tx, rx.LocalAddr()), tx.NewBatch()
			h := &counter{}
			var spent time.Duration
			past := time.Unix(2, 0)
			b.ReportAllocs()
			for b.Loop() {
				for range 64 {
					for range depth {
						batch.Buf(d, 1100)[0] = 0x80
					}
					batch.Buf(d, 1099)[0] = 0x80 // ends the run
				}
				batch.Flush()
				want := h.n + 64*(depth+1)
				start := time.Now()
				for h.n < want {
					if n, err := rx.Recv(past, h); n == 0 || err != nil {
						b.Fatalf("lost datagrams: %d, %v", n, err)
					}
				}
				spent += time.Since(start)
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(h.n), "ns/pkt")
		})
	}
}
