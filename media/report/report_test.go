package report

import (
	"math/rand/v2"
	"testing"
	"time"

	"incamera/media/rtcp"
	"incamera/media/seq"
)

const ms = time.Millisecond

func near(t *testing.T, what string, got, want, tolerance time.Duration) {
	t.Helper()
	if d := got - want; d > tolerance || d < -tolerance {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestNTP(t *testing.T) {
	unix := time.Unix(0, 0)
	if n := NTPOf(unix); n != 2208988800<<32 {
		t.Errorf("1970 is %x", uint64(n))
	}
	a := NTPOf(time.Unix(1_700_000_000, 250_000_000))
	if a&0xffffffff != 1<<30 {
		t.Errorf("a quarter is %x", uint32(a))
	}
	for _, d := range []time.Duration{0, ms, -ms, 90 * time.Minute, -36 * time.Hour, 333_333_333} {
		near(t, "sum and difference", a.Add(d).Sub(a), d, 2)
	}
	w := Wall{Base: a}
	near(t, "wall", w.At(5*time.Second).Sub(a), 5*time.Second, 2)
	if NTP(0x0102030405060708).Middle() != 0x03040506 {
		t.Error("the middle is wrong")
	}
}

func TestReceiverCountsLoss(t *testing.T) {
	r := Receiver{Clock: seq.VideoClock}
	if b := r.Block(1, 0); b.Lost != 0 || b.FractionLost != 0 || b.HighestSeq != 0 {
		t.Errorf("before the first packet: %+v", b)
	}
	const first = seq.Ext(1<<16 + 65530)
	for i := range seq.Ext(100) {
		if i%4 != 3 {
			r.Packet(first+i, 0, false, 0)
		}
	}
	b := r.Block(7, 0)
	// The last packet was lost, which nobody knows yet.
	if b.SSRC != 7 || b.Lost != 24 || b.FractionLost != 24*256/99 || b.HighestSeq != 65530+98 {
		t.Errorf("%+v", b)
	}
	for i := range seq.Ext(100) {
		if i%4 == 3 {
			r.Packet(first+i, 0, true, 0)
		}
	}
	if b = r.Block(7, 0); b.Lost != 0 || b.FractionLost != 0 {
		t.Errorf("after recovery: %+v", b)
	}
	for i := range seq.Ext(100) {
		r.Packet(first+100+2*i, 0, false, 0)
	}
	if b = r.Block(7, 0); b.FractionLost != 99*256/199 || b.Lost != 99 {
		t.Errorf("half lost: %+v", b)
	}
	if s := r.Stats(); s.Received != 200 || s.Lost != 99 || s.FractionLost < 0.49 || s.FractionLost > 0.5 {
		t.Errorf("%+v", s)
	}
}

// RFC 3550 A.8 in floating point.
func TestJitterFollowsTheFormula(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	r := Receiver{Clock: seq.AudioClock}
	want, prev := 0.0, 0.0
	for i := range 2000 {
		ts := uint32(1<<32-100_000) + uint32(i)*960
		late := time.Duration(rnd.IntN(30)) * ms
		now := time.Duration(i)*20*ms + late
		r.Packet(seq.Ext(1<<16+i), ts, false, now)
		transit := late.Seconds() * 48000
		if i > 0 {
			want += (max(transit-prev, prev-transit) - want) / 16
		}
		prev = transit
	}
	near(t, "jitter", r.Stats().Jitter, time.Duration(want/48000*float64(time.Second)), ms/10)
	if b := r.Block(1, 0); b.Jitter == 0 {
		t.Error("the block has no jitter")
	}
}

func TestPacketsOfOnePictureAreNoJitter(t *testing.T) {
	r := Receiver{Clock: seq.VideoClock}
	for i := range 300 {
		frame := i / 10
		now := time.Duration(frame)*33333*time.Microsecond + time.Duration(i%10)*2*ms
		r.Packet(seq.Ext(1<<16+i), uint32(frame)*3000, false, now)
	}
	if j := r.Stats().Jitter; j > ms {
		t.Errorf("jitter %v", j)
	}
}

func TestTheRoundTripComesBack(t *testing.T) {
	wall := Wall{Base: NTPOf(time.Unix(1_800_000_000, 0))}
	sent := 10 * time.Second
	far := Receiver{Clock: seq.VideoClock}
	far.Packet(1<<16, 0, false, 0)
	far.SenderReport(wall.At(sent), 3*time.Second) // the far side has its own clock
	b := far.Block(1, 3*time.Second+400*ms)
	rtt, ok := RTT(b, wall, sent+400*ms+70*ms)
	if !ok {
		t.Fatal("not known")
	}
	near(t, "round trip", rtt, 70*ms, ms/10)

	if _, ok := RTT(rtcp.Block{}, wall, sent); ok {
		t.Error("a report without SR has a round trip")
	}
	if _, ok := RTT(rtcp.Block{LSR: 1, DLSR: 1 << 31}, wall, sent); ok {
		t.Error("nonsense has a round trip")
	}
	if rtt, ok := RTT(b, wall, sent+400*ms-ms/2); !ok || rtt != 0 {
		t.Error("rounding below zero is not forgiven")
	}
}

func TestThePublishersClockIsMappedByTheFastestReport(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 6))
	base := NTPOf(time.Unix(1_000_000, 0))
	var m ClockMap
	if _, ok := m.Server(base); ok {
		t.Error("known before the first report")
	}
	// The publisher's clock is 1000 s behind and reports take 20..120 ms; once 20.
	const ahead = 1000 * time.Second
	for i := range 60 {
		now := ahead + time.Duration(i)*time.Second
		delay := 20*ms + time.Duration(rnd.IntN(100))*ms
		if i == 30 {
			delay = 20 * ms
		}
		m.Observe(base.Add(now-ahead), now+delay)
	}
	got, ok := m.Server(base.Add(61 * time.Second))
	if !ok {
		t.Fatal("not known")
	}
	near(t, "server time", got, ahead+61*time.Second+20*ms, ms)
}

func TestAClockThatDriftsIsFollowed(t *testing.T) {
	base := NTPOf(time.Unix(1_000_000, 0))
	var m ClockMap
	var now time.Duration
	for i := range 600 { // 100 ppm fast: 60 ms in ten minutes
		now = time.Duration(i) * time.Second
		m.Observe(base.Add(now-time.Duration(i)*100*time.Microsecond), now)
	}
	got, _ := m.Server(base.Add(now - 60*ms))
	near(t, "server time", got, now, 7*ms)
}

func TestAClockThatWasSetIsTakenAnew(t *testing.T) {
	base := NTPOf(time.Unix(1_000_000, 0))
	var m ClockMap
	m.Observe(base, 0)
	m.Observe(base.Add(3601*time.Second), time.Second)
	got, _ := m.Server(base.Add(3601 * time.Second))
	near(t, "after a jump ahead", got, time.Second, ms)
	m.Observe(base, 2*time.Second)
	got, _ = m.Server(base)
	near(t, "after a jump back", got, 2*time.Second, ms)
	m.Observe(0, 3*time.Second)
	got, _ = m.Server(base)
	near(t, "a report without time changes nothing", got, 2*time.Second, ms)
}

func TestASourcesClock(t *testing.T) {
	base := NTPOf(time.Unix(1_000_000, 0))
	var m ClockMap
	c := SourceClock{Clock: seq.VideoClock}
	if _, ok := c.At(&m, 0); ok {
		t.Error("known before anything")
	}
	// Packets arrive 10 to 50 ms late: the least late one is the anchor.
	c.Packet(1000, 50*ms)
	c.Packet(1000+9000, 110*ms)
	c.Packet(1000+18000, 240*ms)
	if got, ok := c.At(&m, 310*ms); !ok || got != 1000+27000 {
		t.Errorf("by arrival: %d", got)
	}
	m.Observe(base, 500*ms)
	c.SenderReport(base, 77)
	c.Packet(5, 600*ms)
	if got, ok := c.At(&m, 1500*ms); !ok || got != 77+90000 {
		t.Errorf("by report: %d", got)
	}
	c.SenderReport(0, 9)
	if got, _ := c.At(&m, 500*ms); got != 77 {
		t.Errorf("a report without time changed it: %d", got)
	}
}

func TestSenderReportsAreDue(t *testing.T) {
	var s Sender
	wall := Wall{Base: NTPOf(time.Unix(1_800_000_000, 0))}
	if s.Due(time.Hour) {
		t.Error("before the first packet")
	}
	s.Sent(100)
	if !s.Due(0) {
		t.Error("not at the first packet")
	}
	s.Sent(50)
	r := s.Make(7, wall, 1000, 1<<32-900, 5*time.Second)
	if r != (rtcp.SenderInfo{SSRC: 7, NTP: uint64(wall.At(5 * time.Second)), RTP: 100, Packets: 2, Octets: 150}) {
		t.Errorf("%+v", r)
	}
	if s.Due(5999 * ms) {
		t.Error("too early")
	}
	if !s.Due(6 * time.Second) {
		t.Error("not after a second")
	}
	s.Make(7, wall, 0, 0, 6*time.Second)
	s.Switched()
	if !s.Due(6 * time.Second) {
		t.Error("not at a switch")
	}
}

func TestNothingAllocates(t *testing.T) {
	r, c, m, s := Receiver{Clock: 90000}, SourceClock{Clock: 90000}, ClockMap{}, Sender{}
	e := seq.Ext(1 << 16)
	if n := testing.AllocsPerRun(100, func() {
		r.Packet(e, uint32(e), false, time.Duration(e))
		r.Block(1, 0)
		m.Observe(NTP(e), time.Duration(e))
		c.SenderReport(NTP(e), 1)
		c.At(&m, 0)
		s.Sent(1)
		s.Make(1, Wall{}, 0, 0, 0)
		e++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReceiverPacket(b *testing.B) {
	r := Receiver{Clock: seq.VideoClock}
	e := seq.Ext(1)
	for b.Loop() {
		r.Packet(e, uint32(e), false, time.Duration(e))
		e++
	}
}
