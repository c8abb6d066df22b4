package sfu

import (
	"testing"
	"time"

	"incamera/media/rtcp"
	"incamera/media/twcc"
)

// The steps of the path one by one, as far as they are the shard's own. What is measured in the packages below is there.

// sealRTCP protects a compound packet as this client.
func (p *party) sealRTCP(t testing.TB, plain []byte) []byte {
	t.Helper()
	b := make([]byte, len(plain)+p.out.RTCPOverhead())
	if _, err := p.out.SealRTCP(b, plain); err != nil {
		t.Fatal(err)
	}
	return b
}

// coming is a publisher whom nobody watches, and so many packets of it.
func coming(t testing.TB, n int) (*direct, *party, [][]byte) {
	t.Helper()
	d := newDirect(t)
	pub := d.join(true, 1)
	var packets [][]byte
	for i := range n {
		packets = append(packets, pub.video(t, i == 0, 1000))
	}
	return d, pub, packets
}

func TestTakingPacketsInAllocatesNothing(t *testing.T) {
	d, pub, packets := coming(t, 3000)
	next := 0
	step := func() {
		for range 16 {
			d.s.Datagram(pub.addr, packets[next])
			next++
		}
		d.s.Drained()
	}
	for range 20 {
		step()
	}
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations per batch", n)
	}
	if n := d.s.counts.packetsIn.Load(); n < uint64(next) {
		t.Errorf("%d of %d came in", n, next)
	}
}

// watching is a publisher with a viewer, after so many packets that the viewer got.
func watching(t testing.TB, packets int) (*direct, *party, *party) {
	t.Helper()
	d := newDirect(t)
	pub, viewer := d.join(true, 1), d.join(false, 1)
	for i := range packets {
		d.s.Datagram(pub.addr, pub.video(t, i == 0, 1000))
		d.s.Drained()
		if i < 5 {
			d.s.tick()
		}
	}
	if d.s.counts.packetsOut.Load() < uint64(packets)/2 {
		t.Fatal("the viewer gets nothing")
	}
	return d, pub, viewer
}

func TestATickAllocatesNothing(t *testing.T) {
	d, _, _ := watching(t, 20)
	d.s.now += time.Second
	d.s.tick()
	if n := testing.AllocsPerRun(100, func() {
		d.s.now += tickEvery
		d.s.tick()
		d.s.batch.Flush()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// videoSlot is the viewer's slot that pictures flow through.
func (p *party) videoSlot(t testing.TB) *Down {
	t.Helper()
	d := p.Peer.video[0]
	if !d.begun {
		t.Fatal("nothing was sent in the slot")
	}
	return d
}

// asks are sealed requests, each for another packet of the last few hundred.
func (p *party) asks(t testing.TB, n int) [][]byte {
	t.Helper()
	slot := p.videoSlot(t)
	last, ok := slot.rw.Last()
	if !ok {
		t.Fatal("nothing was sent in the slot")
	}
	var list [][]byte
	for i := range n {
		plain, _ := rtcp.AppendNACK(nil, 7, slot.ssrc, []uint16{last.Seq() - uint16(i%100)}, 400)
		list = append(list, p.sealRTCP(t, plain))
	}
	return list
}

func TestAnsweringRequestsForLostPacketsAllocatesNothing(t *testing.T) {
	d, _, viewer := watching(t, 200)
	asks := viewer.asks(t, 150)
	next := 0
	step := func() {
		d.s.now += 10 * time.Millisecond
		d.s.demux(viewer.addr, asks[next])
		d.s.batch.Flush()
		next++
	}
	for range 10 {
		step()
	}
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if d.s.counts.nackAnswered.Load() < 50 {
		t.Errorf("only %d were answered", d.s.counts.nackAnswered.Load())
	}
}

func TestReceiverReportsAllocateNothing(t *testing.T) {
	d, _, viewer := watching(t, 20)
	slot := viewer.videoSlot(t)
	var reports [][]byte
	for i := range 150 {
		plain := rtcp.AppendRR(nil, 7, []rtcp.Block{{SSRC: slot.ssrc, HighestSeq: uint32(i)}})
		reports = append(reports, viewer.sealRTCP(t, rtcp.AppendSDES(plain, 7, "c")))
	}
	next := 0
	if n := testing.AllocsPerRun(100, func() {
		d.s.demux(viewer.addr, reports[next])
		next++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkReceive is the way of a packet in: demux, open, ring, facts; nobody watches.
func BenchmarkReceive(b *testing.B) {
	for _, batch := range []int{1, 16} {
		b.Run(map[int]string{1: "batch=1", 16: "batch=16"}[batch], func(b *testing.B) {
			const most = 30000
			d, pub, packets := coming(b, most)
			next := 0
			b.ReportAllocs()
			for b.Loop() {
				if next+batch > len(packets) {
					b.StopTimer()
					d, pub, packets = coming(b, most)
					next = 0
					b.StartTimer()
				}
				for range batch {
					d.s.Datagram(pub.addr, packets[next])
					next++
				}
				d.s.Drained()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/packet")
		})
	}
}

// BenchmarkFeedbackIn is one report of arrivals (15 packets in 50 ms): open, parse, estimate.
func BenchmarkFeedbackIn(b *testing.B) {
	const packets, most = 15, 2000
	var d *direct
	var viewer *party
	var reports [][]byte
	var begin time.Duration
	next := most
	prepare := func() {
		d, _, viewer = watching(b, 20)
		recorder, number := twcc.NewRecorder(), viewer.twccOut
		begin, reports, next = d.s.now, reports[:0], 0
		for i := range most {
			at := begin + time.Duration(i+1)*50*time.Millisecond
			for range packets {
				recorder.Record(number, at)
				number++
			}
			plain, _ := recorder.Append(nil, 7, 8, 1000, at)
			reports = append(reports, viewer.sealRTCP(b, plain))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if next == most {
			b.StopTimer()
			prepare()
			b.StartTimer()
		}
		d.s.now = begin + time.Duration(next+1)*50*time.Millisecond
		b.StopTimer()
		for range packets {
			viewer.sent(1000)
		}
		b.StartTimer()
		d.s.demux(viewer.addr, reports[next])
		next++
	}
}

// BenchmarkRepair is one request for one packet, and its answer.
func BenchmarkRepair(b *testing.B) {
	const most = 2000
	var d *direct
	var viewer *party
	var asks [][]byte
	next := most
	b.ReportAllocs()
	for b.Loop() {
		if next == most {
			b.StopTimer()
			d, _, viewer = watching(b, 200)
			asks, next = viewer.asks(b, most), 0
			b.StartTimer()
		}
		d.s.now += 10 * time.Millisecond
		viewer.flow.Tick(d.s.now) // repairs get their share of the link by the clock
		d.s.demux(viewer.addr, asks[next])
		d.s.batch.Flush()
		next++
	}
}
