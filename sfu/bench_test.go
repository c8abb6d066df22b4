package sfu

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"incamera/sfu/srtp"
	"incamera/sfu/udp"
)

// threadTime is the CPU time (user and system) of this thread. Wall time would bill a benchmark on a shared machine for
// its neighbours.
func threadTime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// audience is a shard with one publisher and viewers that read nothing.
func audience(b *testing.B, viewers, slots int) (d *direct, pub *party) {
	d = newDirect(b)
	pub = d.join(true, 1)
	for range viewers {
		_ = d.join(false, slots).sink.SetReadBuffer(4 << 10)
	}
	for range 4 {
		d.s.Datagram(pub.addr, pub.video(b, true, 1000))
		d.s.Drained()
		d.s.tick()
	}
	return d, pub
}

// floor is what no forwarder gets below: a header, the payload sealed under each receiver's key, and the batched send.
type floor struct {
	batch   *udp.Batch
	dests   []*udp.Dest
	streams []*srtp.Stream
	index   uint64
	payload [16][1000]byte
}

func newFloor(b *testing.B, d *direct) *floor {
	f := &floor{batch: d.s.socket.NewBatch()}
	for _, p := range d.s.peers[1:] {
		f.dests = append(f.dests, p.dest)
		out, err := srtp.NewOut(srtp.ProfileAES128GCM, make([]byte, 16), make([]byte, 12))
		if err != nil {
			b.Fatal(err)
		}
		s, err := out.Stream(1)
		if err != nil {
			b.Fatal(err)
		}
		f.streams = append(f.streams, s)
	}
	return f
}

func (f *floor) send(b *testing.B, depth int) {
	var hdr [24]byte
	hdr[0], hdr[1], hdr[11], hdr[12], hdr[13], hdr[15] = 0x90, 96, 1, 0xbe, 0xde, 2
	for i, dest := range f.dests {
		for k := range depth {
			n := f.index + uint64(k)
			binary.BigEndian.PutUint16(hdr[2:], uint16(n))
			buf := f.batch.Buf(dest, len(hdr)+1000+16)
			copy(buf, hdr[:])
			if _, err := f.streams[i].Seal(buf, len(hdr), f.payload[n%16][:], uint32(n>>16), uint16(n)); err != nil {
				b.Fatal(err)
			}
		}
	}
	f.batch.Flush()
	f.index += uint64(depth)
}

// BenchmarkForward is one frame of some packets to all viewers, from the datagrams as the socket gives them to the last
// system call; in turns with the floor, so that both are measured in the same weather.
func BenchmarkForward(b *testing.B) {
	for _, shape := range []struct{ viewers, depth int }{{30, 1}, {30, 3}, {30, 10}, {300, 5}, {1000, 5}} {
		b.Run(fmt.Sprintf("viewers=%d/depth=%d", shape.viewers, shape.depth), func(b *testing.B) {
			d, pub := audience(b, shape.viewers, 1)
			f := newFloor(b, d)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			b.ReportAllocs()
			b.ResetTimer()
			const turn = 10
			var own, least time.Duration
			packets := make([][]byte, 0, turn*shape.depth)
			for i := 0; i < b.N; i += turn {
				b.StopTimer()
				packets = packets[:0]
				for range cap(packets) {
					packets = append(packets, pub.video(b, false, 1000))
				}
				b.StartTimer()
				was := threadTime()
				for j, pkt := range packets {
					d.s.Datagram(pub.addr, pkt)
					if (j+1)%shape.depth == 0 {
						d.s.Drained()
					}
				}
				mid := threadTime()
				for range turn {
					f.send(b, shape.depth)
				}
				own, least = own+mid-was, least+threadTime()-mid
			}
			n := float64((b.N+turn-1)/turn*turn) * float64(shape.depth*shape.viewers)
			b.ReportMetric(float64(own)/n, "cpu-ns/pkt")
			b.ReportMetric(float64(least)/n, "floor-ns/pkt")
			b.ReportMetric(float64(own)/float64(least), "x-floor")
		})
	}
}

// BenchmarkTick is a second of what is due by time, while media flows: 100 ticks, and 25 frames to everybody that are not
// billed.
func BenchmarkTick(b *testing.B) {
	for _, shape := range []struct{ publishers, viewers, slots int }{{1, 30, 1}, {1, 1000, 1}, {50, 0, 25}} {
		b.Run(fmt.Sprintf("publishers=%d/viewers=%d/slots=%d", shape.publishers, shape.viewers, shape.slots), func(b *testing.B) {
			d := newDirect(b)
			var pubs []*party
			for i := range shape.publishers + shape.viewers {
				p := d.join(i < shape.publishers, shape.slots)
				_ = p.sink.SetReadBuffer(4 << 10)
				if i < shape.publishers {
					pubs = append(pubs, p)
				}
			}
			frame := func(key bool) {
				for _, p := range pubs {
					d.s.Datagram(p.addr, p.video(b, key, 600))
				}
				d.s.Drained()
			}
			d.s.now = time.Since(d.s.start)
			step := func(n int, key bool) time.Duration {
				d.s.start = d.s.start.Add(-10 * time.Millisecond) // so much later it is
				if n%4 == 0 {
					frame(key)
				}
				d.s.now = time.Since(d.s.start)
				for _, p := range d.s.peers {
					p.lastPacket = d.s.now
				}
				if d.s.now < d.s.nextTick {
					return 0
				}
				was := threadTime()
				d.s.tick()
				d.s.flush()
				return threadTime() - was
			}
			for n := range 40 {
				step(n, n < 8)
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			b.ReportAllocs()
			b.ResetTimer()
			var own time.Duration
			for range b.N {
				for n := range 100 {
					own += step(n, false)
				}
			}
			b.ReportMetric(float64(own.Microseconds())/float64(b.N), "cpu-us/second")
			b.ReportMetric(float64(own.Nanoseconds())/float64(b.N*100*len(d.s.peers)), "cpu-ns/peer-tick")
		})
	}
}

// BenchmarkMemory is what the node itself keeps for each receiver that gets a voice and pictures, without the engine.
func BenchmarkMemory(b *testing.B) {
	for _, shape := range []struct{ publishers, slots int }{{1, 1}, {9, 9}} {
		b.Run(fmt.Sprintf("publishers=%d/slots=%d", shape.publishers, shape.slots), func(b *testing.B) {
			const viewers = 100
			for range b.N {
				d := newDirect(b)
				var pubs []*party
				for range shape.publishers {
					pubs = append(pubs, d.join(true, 1))
				}
				frames := func(n int) {
					for i := range n {
						for _, p := range pubs {
							d.s.Datagram(p.addr, p.video(b, i%50 == 0, 900))
						}
						d.s.Drained()
						d.s.start = d.s.start.Add(-40 * time.Millisecond)
						d.s.now = time.Since(d.s.start)
						for _, p := range d.s.peers {
							p.lastPacket = d.s.now
						}
						d.s.tick()
						d.s.flush()
					}
				}
				frames(100)
				before := heap()
				for range viewers {
					_ = d.join(false, shape.slots).sink.SetReadBuffer(4 << 10)
				}
				frames(500)
				b.ReportMetric(float64(heap()-before)/viewers/1024, "KB/viewer")
			}
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkTickOfManyRooms is a second of ticks for 300 rooms of three, all of whom are silent.
func BenchmarkTickOfManyRooms(b *testing.B) {
	d := newDirect(b)
	for i := range 900 {
		d.room = fmt.Sprint("room", i/3)
		_ = d.join(false, 1).sink.SetReadBuffer(4 << 10)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ResetTimer()
	var own time.Duration
	for range b.N {
		for range 100 {
			d.s.start = d.s.start.Add(-10 * time.Millisecond)
			d.s.now = time.Since(d.s.start)
			for _, p := range d.s.peers {
				p.lastPacket = d.s.now
			}
			was := threadTime()
			d.s.tick()
			own += threadTime() - was
		}
	}
	b.ReportMetric(float64(own.Microseconds())/float64(b.N), "cpu-us/second")
}

// BenchmarkReceiveMany is what packets cost that come in bursts of ten from 60 publishers in turn, whom nobody watches.
func BenchmarkReceiveMany(b *testing.B) {
	const publishers, burst = 60, 10
	d := newDirect(b)
	var pubs []*party
	for range publishers {
		pubs = append(pubs, d.join(true, 1))
	}
	round := func(key bool) (own time.Duration) {
		b.StopTimer()
		var packets [publishers][burst][]byte
		for i, p := range pubs {
			for k := range burst {
				packets[i][k] = p.video(b, key && k == 0, 1000)
			}
		}
		b.StartTimer()
		was := threadTime()
		for i, p := range pubs {
			for _, pkt := range packets[i] {
				d.s.Datagram(p.addr, pkt)
			}
			d.s.Drained()
		}
		return threadTime() - was
	}
	for n := range 60 {
		round(n == 0)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ResetTimer()
	var own time.Duration
	for range b.N {
		own += round(false)
	}
	b.ReportMetric(float64(own)/float64(b.N*publishers*burst), "cpu-ns/pkt")
}
