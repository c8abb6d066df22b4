package bwe

import (
	"testing"
	"time"

	"incamera/media/seq"
	"incamera/media/twcc"
)

// path is a receiver behind a link of some rate, who reports every 50 ms.
type path struct {
	e        *Estimator
	rate     Bitrate // of the link
	loseEach int     // one of so many packets
	now      time.Duration
	seq      seq.Ext
	busy     time.Duration // of the link
	waiting  []twcc.Ack
	reported time.Duration
	deaf     bool
	longer   time.Duration // than 20 ms one way
}

func newPath(e *Estimator, rate Bitrate) *path { return &path{e: e, rate: rate, seq: 1 << 16} }

// send lets packets out at a rate for some time.
func (p *path) send(rate Bitrate, size int, during time.Duration) {
	gap := time.Duration(int64(size) * 8 * int64(time.Second) / int64(rate))
	for end := p.now + during; p.now < end; p.now += gap {
		p.packet(size)
		for p.e.probe.active {
			for p.e.Padding(p.now, 0) > 0 {
				p.packet(min(size, 250))
			}
			if p.e.probe.active {
				p.now += 5 * time.Millisecond
				if p.now-p.e.probe.began > probeLongest {
					break
				}
			}
		}
		p.report()
		p.e.Tick(p.now)
		p.e.Probe(p.now)
	}
}

func (p *path) packet(size int) {
	p.seq++
	p.e.Sent(size, p.now)
	p.busy = max(p.busy, p.now)
	p.busy += time.Duration(int64(size) * 8 * int64(time.Second) / int64(p.rate))
	p.waiting = append(p.waiting, twcc.Ack{
		Seq: p.seq, Size: size, Sent: p.now, Arrived: p.busy + 20*time.Millisecond + p.longer, Lost: p.loseEach > 0 && int(p.seq)%p.loseEach == 0,
	})
}

func (p *path) report() {
	if p.now-p.reported < 50*time.Millisecond {
		return
	}
	p.reported = p.now
	n := 0
	for ; n < len(p.waiting) && p.waiting[n].Arrived <= p.now-20*time.Millisecond; n++ {
		if !p.deaf {
			p.e.Ack(p.waiting[n])
		}
	}
	if n > 0 && !p.deaf {
		p.e.Update(p.now)
	}
	p.waiting = p.waiting[n:]
}

func TestAGrowingQueueTakesTheEstimateBelowWhatTheLinkDelivers(t *testing.T) {
	e := New(Options{Start: 2_000_000})
	p := newPath(e, 1_000_000)
	p.send(1_500_000, 1200, 600*time.Millisecond)
	if e.State() != Overuse || e.Overuses() == 0 {
		t.Errorf("state %v", e.State())
	}
	if got := e.Estimate(p.now); got < 700_000 || got > 1_000_000 {
		t.Errorf("estimate %d", got)
	}
	p.send(600_000, 1200, 5*time.Second)
	if got := e.Estimate(p.now); got < 900_000 || got > 1_050_000 {
		t.Errorf("estimate %d when the queue has drained", got)
	}
	if e.State() != Normal || e.Queue() > 5*time.Millisecond {
		t.Errorf("state %v, queue %v", e.State(), e.Queue())
	}
}

func TestAPathThatBecomesLongerIsNoFullOne(t *testing.T) {
	e := New(Options{Start: 2_000_000})
	p := newPath(e, 100_000_000)
	p.send(1_500_000, 1200, 10*time.Second)
	p.longer = 100 * time.Millisecond
	p.send(1_500_000, 1200, 3*time.Second)
	if got := e.Estimate(p.now); got < 1_900_000 {
		t.Errorf("estimate %d three seconds later", got)
	}
	if e.Queue() > 10*time.Millisecond {
		t.Errorf("a queue of %v", e.Queue())
	}
	p.longer = 0
	p.send(1_500_000, 1200, time.Second)
	p.longer = 200 * time.Millisecond
	e.Moved(p.now)
	p.send(1_500_000, 1200, time.Second)
	if got := e.Estimate(p.now); got < 1_900_000 {
		t.Errorf("estimate %d after a move", got)
	}
}

func TestSilenceBeforeAMoveIsForgotten(t *testing.T) {
	e := New(Options{Start: 2_000_000})
	p := newPath(e, 100_000_000)
	p.send(1_500_000, 1200, 5*time.Second)
	before := e.Estimate(p.now)
	p.deaf = true
	p.send(1_500_000, 1200, 3*time.Second)
	if got := e.Estimate(p.now); got > before/4 {
		t.Errorf("estimate %d after three seconds without a word", got)
	}
	for i := range p.waiting {
		p.waiting[i].Lost = true
	}
	e.Moved(p.now)
	p.deaf = false
	if got := e.Estimate(p.now); got < before*3/4 || got > before {
		t.Errorf("estimate %d after a move, %d before", got, before)
	}
	p.send(1_000_000, 1200, 2*time.Second)
	if got := e.Estimate(p.now); got < before*3/4 {
		t.Errorf("estimate %d when what was lost with the old path has been told", got)
	}
}

func TestWhoSendsLittleNeitherLosesNorGainsByIt(t *testing.T) {
	e := New(Options{Start: 2_000_000})
	p := newPath(e, 100_000_000)
	p.send(100_000, 200, 60*time.Second)
	if got := e.Estimate(p.now); got != 2_000_000 {
		t.Errorf("estimate %d after a quiet minute", got)
	}
}

func TestGrowthStaysNearWhatWasSeenToWork(t *testing.T) {
	e := New(Options{Start: 300_000})
	p := newPath(e, 100_000_000)
	p.send(1_000_000, 1200, 60*time.Second)
	if got := e.Estimate(p.now); got < 1_400_000 || got > 1_600_000 {
		t.Errorf("estimate %d", got)
	}
}

func TestProbesRaiseTheEstimateAsFarAsSomebodyWants(t *testing.T) {
	e := New(Options{})
	p := newPath(e, 100_000_000)
	p.send(200_000, 500, 2*time.Second)
	if e.ProbeResults() != [NumProbeResults]uint64{} {
		t.Error("probed for nobody")
	}
	e.SetWanted(3_000_000)
	p.send(200_000, 500, 2*time.Second)
	if got := e.Estimate(p.now); got < 2_900_000 || got > 4_000_000 {
		t.Errorf("estimate %d", got)
	}
	probes := e.ProbeResults()
	p.send(200_000, 500, 20*time.Second)
	if e.ProbeResults() != probes {
		t.Error("probes go on though nobody wants more")
	}
}

func TestAProbeFindsTheCapacityOfANarrowLink(t *testing.T) {
	e := New(Options{})
	e.SetWanted(5_000_000)
	p := newPath(e, 1_500_000)
	p.send(200_000, 500, 3*time.Second)
	if got := e.Estimate(p.now); got < 1_350_000 || got > 1_550_000 {
		t.Errorf("estimate %d", got)
	}
	if e.ProbeResults()[ProbeFull] == 0 {
		t.Error(e.ProbeResults())
	}
}

func TestLossThatWeDoNotCauseCostsNothing(t *testing.T) {
	e := New(Options{Start: 2_000_000})
	p := newPath(e, 100_000_000)
	p.loseEach = 4
	p.send(1_000_000, 1000, 20*time.Second)
	if got := e.Estimate(p.now); got < 1_500_000 {
		t.Errorf("estimate %d", got)
	}
	if own := e.Loss(); own < 0.2 || own > 0.3 {
		t.Errorf("the path loses %.2f", own)
	}
}

func TestAReceiverThatFallsSilentIsSentLess(t *testing.T) {
	e := New(Options{Start: 2_000_000})
	p := newPath(e, 100_000_000)
	p.send(1_000_000, 1000, time.Second)
	p.deaf = true
	p.send(1_000_000, 1000, 4*time.Second)
	if got := e.Estimate(p.now); got > 500_000 {
		t.Errorf("estimate %d", got)
	}
	p.now += time.Minute // nothing is sent: nothing can be reported
	before := e.Estimate(p.now)
	e.Tick(p.now)
	e.Tick(p.now + time.Hour)
	if got := e.Estimate(p.now); got < before/2 {
		t.Errorf("estimate %d though nothing was sent", got)
	}
}

func TestAReceiversOwnEstimateIsACap(t *testing.T) {
	e := New(Options{Start: 2_000_000})
	e.REMB(500_000, time.Second)
	if got := e.Estimate(time.Second); got != 500_000 {
		t.Errorf("estimate %d", got)
	}
	e.REMB(1_500_000, 2*time.Second)
	if got := e.Estimate(2 * time.Second); got != 1_500_000 {
		t.Errorf("nothing else is told, yet the estimate is %d", got)
	}
	if !e.Known(2*time.Second) || e.Known(time.Minute) {
		t.Error("what was told long ago still counts")
	}
}

func TestReportsOfLossAloneAreTrustedALittle(t *testing.T) {
	e := New(Options{})
	now := time.Duration(0)
	for range 200 {
		now += 500 * time.Millisecond
		e.Report(0, now)
	}
	if got := e.Estimate(now); got != reportMax {
		t.Errorf("estimate %d", got)
	}
	for range 10 {
		now += 500 * time.Millisecond
		e.Report(0.4, now)
	}
	if got := e.Estimate(now); got > reportMax/4 || got < defaultMin {
		t.Errorf("estimate %d after much loss", got)
	}
}

func TestTheMeterForgets(t *testing.T) {
	var m meter
	if m.rate(steadyWindow) != 0 {
		t.Error("a rate of nothing")
	}
	at := time.Duration(0)
	for ; at < 2*time.Second; at += 10 * time.Millisecond {
		m.add(1250, at)
	}
	for _, w := range []time.Duration{shortWindow, steadyWindow} {
		if got := m.rate(w); got < 950_000 || got > 1_100_000 {
			t.Errorf("%d over %v", got, w)
		}
	}
	m.add(1250, at+time.Second)
	if got := m.rate(steadyWindow); got > 50_000 {
		t.Errorf("%d after a pause", got)
	}
	m.add(1_000_000, at-time.Second) // too late to count
	if got := m.rate(steadyWindow); got > 50_000 {
		t.Errorf("%d after a late packet", got)
	}
}

func TestNothingAllocates(t *testing.T) {
	e := New(Options{Start: 2_000_000})
	e.SetWanted(9_000_000)
	now, n := time.Duration(0), seq.Ext(1<<16)
	step := func() {
		for range 50 {
			now += 2 * time.Millisecond
			n++
			e.Sent(1000, now)
			e.Ack(twcc.Ack{Seq: n, Size: 1000, Sent: now, Arrived: now + 20*time.Millisecond, Lost: n%7 == 0})
		}
		e.SetRTT(40*time.Millisecond, now)
		e.Update(now)
		e.Tick(now)
		e.Probe(now)
		e.Padding(now, 5*time.Millisecond)
	}
	step()
	if got := testing.AllocsPerRun(200, step); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkFeedback(b *testing.B) {
	e := New(Options{Start: 2_000_000})
	now, n := time.Duration(0), seq.Ext(1<<16)
	for b.Loop() {
		for range 20 {
			now += 3 * time.Millisecond
			n++
			e.Sent(1000, now)
			e.Ack(twcc.Ack{Seq: n, Size: 1000, Sent: now, Arrived: now + 20*time.Millisecond})
		}
		e.Update(now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20, "ns/packet")
}

func TestALinkThatShrinksIsKnownFromAFewPackets(t *testing.T) {
	e := New(Options{Start: 4_000_000})
	p := newPath(e, 100_000_000)
	p.send(1_600_000, 1200, 3*time.Second)
	p.rate = 300_000
	p.send(1_600_000, 1200, 200*time.Millisecond)
	if got := e.Estimate(p.now); got < 200_000 || got > 300_000 {
		t.Errorf("estimate %d a fifth of a second after the link has shrunk to 300 kbit/s", got)
	}
}

func TestWhoTellsNothingIsSentUpToAFixedRate(t *testing.T) {
	e := New(Options{Start: 500_000})
	p := newPath(e, 100_000_000)
	p.deaf = true
	p.send(400_000, 1000, time.Second)
	if got := e.Estimate(p.now); got != 500_000 {
		t.Errorf("estimate %d while feedback may still come", got)
	}
	p.send(400_000, 1000, 2*time.Second)
	if got := e.Estimate(p.now); got != Blind {
		t.Errorf("estimate %d", got)
	}
	e.Report(0.5, p.now+time.Second)
	if got := e.Estimate(p.now); got >= Blind {
		t.Errorf("estimate %d though half is lost", got)
	}
}

func TestWhatLastsAMomentDoesNotTakeTheEstimateBelowWhatIsWorthSending(t *testing.T) {
	e := New(Options{Start: 1_000_000})
	e.SetFloor(220_000)
	p := newPath(e, 100_000_000)
	p.send(300_000, 600, 3*time.Second)
	p.rate = 100_000
	p.send(300_000, 600, 700*time.Millisecond)
	if got := e.Estimate(p.now); got != 220_000 {
		t.Errorf("estimate %d while the queue is young", got)
	}
	p.send(220_000, 600, 3*time.Second)
	if got := e.Estimate(p.now); got > 110_000 {
		t.Errorf("estimate %d though the queue has stood for seconds", got)
	}
}

func TestAFirstSignOfANarrowerLinkHoldsBackWhatIsInFlight(t *testing.T) {
	e := New(Options{Start: 4_000_000})
	p := newPath(e, 100_000_000)
	e.SetRTT(40*time.Millisecond, p.now)
	p.send(1_600_000, 1200, 3*time.Second)
	if e.Congested(20_000, p.now) {
		t.Error("held back on a link that carries everything")
	}
	p.rate = 300_000
	before := p.now
	for !e.Congested(20_000, p.now) {
		if p.send(1_600_000, 1200, 10*time.Millisecond); p.now-before > 150*time.Millisecond {
			t.Fatal("not held back after 150 ms")
		}
	}
	if got := e.Estimate(p.now); got < 4_000_000 {
		t.Errorf("estimate %d: that was too soon to be sure", got)
	}
}

func TestAPageThatDoesNothingForAWhileIsNoNarrowLink(t *testing.T) {
	e := New(Options{Start: 2_000_000})
	p := newPath(e, 100_000_000)
	for range 20 {
		p.send(1_000_000, 1000, 700*time.Millisecond)
		for stall := p.now + 300*time.Millisecond; p.now < stall; p.now += 8 * time.Millisecond {
			p.packet(1000)
			p.waiting[len(p.waiting)-1].Arrived = stall + 20*time.Millisecond // taken all at once
		}
		p.now += 20 * time.Millisecond
		for late := false; !late; p.waiting = p.waiting[1:] { // of what came meanwhile, the first packet is told of alone
			late = p.waiting[0].Arrived-p.waiting[0].Sent > 200*time.Millisecond
			p.e.Ack(p.waiting[0])
		}
		p.e.Update(p.now)
	}
	if got := e.Estimate(p.now); got < 1_500_000 {
		t.Errorf("estimate %d", got)
	}
}
