//go:build linux

package udp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// BenchmarkFlush sends runs of 1100-byte datagrams to 30 destinations per
// flush. Nobody reads them: what arrives in a full receive buffer is dropped
// by the kernel, so waking receivers is not part of the figure. ns/pkt is per
// datagram, wall time of the one sending thread.
func BenchmarkFlush(b *testing.B) {
	for _, gso := range []bool{true, false} {
		for _, depth := range []int{1, 2, 5, 10} {
			b.Run(fmt.Sprintf("gso=%v/depth=%d", gso, depth), func(b *testing.B) {
				off := &Offload{}
				if !gso {
					off.DisableGSO()
				}
				benchmarkFlush(b, off, depth)
			})
		}
	}
}

func benchmarkFlush(b *testing.B, off *Offload, depth int) {
	tx := listen(b, "127.0.0.1:0", Options{Offload: off})
	var dests []*Dest
	for range 30 {
		rx := listen(b, "127.0.0.1:0", Options{ReceiveBuffer: 64 << 10})
		dests = append(dests, dest(b, tx, rx.LocalAddr()))
	}
	batch := tx.NewBatch()
	b.ReportAllocs()
	for b.Loop() {
		for _, d := range dests {
			for range depth {
				batch.Buf(d, 1100)[0] = 0x80
			}
		}
		batch.Flush()
	}
	packets := float64(b.N) * float64(len(dests)*depth)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/packets, "ns/pkt")
	if n := tx.Counters().TxDatagrams.Load(); float64(n) < packets {
		b.Fatalf("sent %d of %v", n, packets)
	}
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
