package sfu

import (
	"slices"
	"testing"
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/bwe"
	"incamera/media/layer"
	"incamera/media/rtp"
	"incamera/media/twcc"
)

// listener is a viewer that reports what came, as browsers do.
type listener struct {
	*party
	d        *direct
	recorder *twcc.Recorder
	numbers  []uint16 // transport-wide, as they came
	video    []uint16 // sequence numbers of the first video slot
	repairs  int
	padding  int
	sounds   int
	loseEach int // one of so many packets; 0: none
	came     int
}

func (d *direct) listener() *listener {
	return &listener{party: d.join(false, 1), d: d, recorder: twcc.NewRecorder()}
}

// listen takes what has come, and reports it when it is time.
func (l *listener) listen(t *testing.T) {
	t.Helper()
	buf, plain := make([]byte, 2000), make([]byte, 2000)
	for {
		n, ok := l.read(buf)
		if !ok {
			break
		}
		if buf[1] < 192 || buf[1] > 223 {
			l.take(t, buf[:n], plain)
		}
	}
	if !l.recorder.Due(l.d.s.now) {
		return
	}
	report, _ := l.recorder.Append(nil, 7, 8, 1000, l.d.s.now)
	sealed := make([]byte, len(report)+l.out.RTCPOverhead())
	if _, err := l.out.SealRTCP(sealed, report); err != nil {
		t.Fatal(err)
	}
	l.d.pass(l.party, sealed)
}

func (l *listener) take(t *testing.T, pkt, plain []byte) {
	t.Helper()
	var h rtp.Header
	if err := rtp.ParseHeader(pkt, &h); err != nil {
		t.Fatal(err)
	}
	number, ok := rtp.ParseTransportCC(h.Ext(tccID))
	if !ok {
		t.Fatal("a packet without its transport-wide number")
	}
	n, _, err := l.in.Open(plain, pkt, h.HeaderLen)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.ParsePayload(plain[:n]); err != nil {
		t.Fatal(err)
	}
	if l.came++; l.loseEach > 0 && l.came%l.loseEach == 0 {
		return
	}
	l.numbers = append(l.numbers, number)
	l.recorder.Record(number, l.d.s.now)
	switch {
	case h.PT == rtxPT && h.PayloadLen == 0:
		l.padding++
	case h.PT == rtxPT:
		l.repairs++
	case h.PT == vp8PT:
		l.video = append(l.video, h.Seq)
	default:
		l.sounds++
	}
}

func (l *listener) estimate() layer.Bitrate { return l.flow.Estimator().Estimate(l.d.s.now) }

func row(numbers []uint16) bool {
	for i := 1; i < len(numbers); i++ {
		if numbers[i] != numbers[i-1]+1 {
			return false
		}
	}
	return true
}

func TestTheEstimateRisesWithinASecondByProbesThatCarryNothingNew(t *testing.T) {
	d := newDirect(t)
	d.n.opts.StartBitrate = 500_000
	pub := d.join(true, 1)
	l := d.listener()
	begin := d.s.now
	for ms := time.Duration(0); ms < 1500*time.Millisecond; ms += 5 * time.Millisecond {
		d.at(begin + ms)
		if ms%(20*time.Millisecond) == 0 {
			d.pass(pub, pub.video(t, ms == 0, 1000)) // 400 kbit/s
		}
		l.flow.Want(3_000_000)
		l.listen(t)
	}
	if got := l.estimate(); got < 2_500_000 {
		t.Errorf("estimate %d", got)
	}
	if l.repairs == 0 || l.padding == 0 {
		t.Errorf("%d packets of probes repeat something, %d are empty", l.repairs, l.padding)
	}
	if !row(l.numbers) || !row(l.video) || len(l.video) < 70 {
		t.Errorf("%d packets of video: their numbers are no row", len(l.video))
	}
	if l.flow.Estimator().ProbeResults()[bwe.ProbeRaised] == 0 {
		t.Error("no probe raised the estimate")
	}
}

// paced is a meeting whose one viewer has a narrow link and has said so.
func paced(t *testing.T, start layer.Bitrate) (d *direct, pub *party, l *listener) {
	d = newDirect(t)
	d.n.opts.StartBitrate = start
	pub = d.join(true, 1)
	l = d.listener()
	begin := d.s.now
	for ms := time.Duration(0); ms < time.Second; ms += 10 * time.Millisecond {
		d.at(begin + ms)
		if ms%(200*time.Millisecond) == 0 {
			d.pass(pub, pub.video(t, ms == 0, 400))
		}
		l.listen(t)
	}
	if len(l.video) != 5 {
		t.Fatalf("%d packets of video before the test begins", len(l.video))
	}
	return d, pub, l
}

func TestAPictureIsSpreadOverTimeAndSoundDoesNotWaitForIt(t *testing.T) {
	d, pub, l := paced(t, 800_000) // a pace of 2 Mbit/s
	for range 20 {
		d.pass(pub, pub.video(t, false, 1000))
	}
	d.pass(pub, pub.sound(t, 1, opusPT, 30, spoken(1)))
	l.listen(t)
	if n := len(l.video) - 5; n < 1 || n > 6 {
		t.Errorf("%d of 20 packets at once", n)
	}
	if l.sounds != 1 {
		t.Error("sound waited")
	}
	begin := d.s.now
	for ms := 5 * time.Millisecond; ms <= 100*time.Millisecond; ms += 5 * time.Millisecond {
		d.at(begin + ms)
		l.listen(t)
	}
	if len(l.video) != 25 || !row(l.video) || !row(l.numbers) {
		t.Errorf("%d packets, in a row: %v", len(l.video), row(l.video))
	}
}

func TestWhatWouldWaitTooLongIsGivenUpAndAKeyFrameIsWaitedFor(t *testing.T) {
	d, pub, l := paced(t, 600_000) // a pace of 1.5 Mbit/s: 300 ms are 56 kB
	for range 60 {
		d.pass(pub, pub.video(t, false, 1000))
	}
	if n := d.s.counts.drops[dropPacedSlow].Load(); n < 20 {
		t.Errorf("%d packets given up", n)
	}
	if l.Peer.video[0].layer != nil {
		t.Error("the slot goes on with a hole in it")
	}
	begin := d.s.now
	for ms := 5 * time.Millisecond; ms < 300*time.Millisecond; ms += 5 * time.Millisecond {
		d.at(begin + ms)
		l.listen(t)
	}
	before := len(l.video)
	d.pass(pub, pub.video(t, true, 400))
	for ms := 300 * time.Millisecond; ms < 400*time.Millisecond; ms += 5 * time.Millisecond {
		d.at(begin + ms)
		l.listen(t)
	}
	if len(l.video) <= before || !row(l.video) {
		t.Errorf("%d packets, then %d: in a row: %v", before, len(l.video), row(l.video))
	}
}

func TestANewTransportOfTheSamePersonBeginsWithTheOldOnesEstimate(t *testing.T) {
	d, _, l := paced(t, 3_000_000)
	p := &Peer{shard: d.s, room: l.room, ref: l.ref, downs: l.downs, ids: l.ids}
	p.openFlow()
	if got := p.flow.Estimator().Estimate(d.s.now); got < 2_000_000 || got >= 3_000_000 {
		t.Errorf("it begins with %d", got)
	}
}

func TestPacingAndFeedbackAllocateNothing(t *testing.T) {
	d, pub, l := paced(t, 1_000_000)
	const batch, runs = 4, 40
	var packets [][]byte
	for range batch * (runs + 20) {
		packets = append(packets, pub.video(t, false, 900))
	}
	recorder := twcc.NewRecorder()
	number := l.twccOut
	var reports [][]byte
	begin := d.s.now
	for i := range runs + 20 { // what would be told of packets that all arrive
		at := begin + time.Duration(i+1)*20*time.Millisecond
		for range batch {
			recorder.Record(number, at)
			number++
		}
		plain, _ := recorder.Append(nil, 7, 8, 1000, at)
		sealed := make([]byte, len(plain)+l.out.RTCPOverhead())
		if _, err := l.out.SealRTCP(sealed, plain); err != nil {
			t.Fatal(err)
		}
		reports = append(reports, sealed)
	}
	next := 0
	step := func() {
		d.s.now = begin + time.Duration(next+1)*20*time.Millisecond
		for _, pkt := range packets[next*batch : (next+1)*batch] {
			d.s.demux(pub.addr, pkt)
		}
		d.s.forwardFresh()
		d.s.batch.Flush()
		d.s.demux(l.addr, reports[next])
		l.drain()
		d.s.batch.Flush()
		next++
	}
	for range 10 {
		step()
	}
	out := d.s.out.packets
	if n := testing.AllocsPerRun(runs, step); n != 0 {
		t.Errorf("%.1f allocations", n)
	}
	if d.s.out.packets-out < runs*batch/2 {
		t.Errorf("only %d packets went out", d.s.out.packets-out)
	}
	if !slices.IsSorted(l.numbers) {
		t.Error("numbers out of order")
	}
}

func TestPicturesBeginAnewWhenSomebodyIsReachedInAnotherWayAfterASilence(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	l := d.listener()
	run := func(span time.Duration, key, listening bool) {
		for end := d.s.now + span; d.s.now < end; key = false {
			d.at(d.s.now + 20*time.Millisecond)
			d.pass(pub, pub.video(t, key, 500))
			if listening {
				l.listen(t)
			}
		}
	}
	run(time.Second, true, true)
	moved := func() (replayed, asked uint64) {
		replayed, asked = d.s.counts.replays.Load(), d.s.counts.pliSent.Load()
		d.s.selected(l.Peer, at(uint16(40_000+d.s.counts.replays.Load())))
		run(40*time.Millisecond, false, false)
		return d.s.counts.replays.Load() - replayed, d.s.counts.pliSent.Load() - asked
	}
	if replayed, asked := moved(); replayed+asked != 0 {
		t.Errorf("%d replays and %d requests though nothing was missed", replayed, asked)
	}
	d.s.selected(l.Peer, l.addr)
	run(200*time.Millisecond, true, true)
	run(500*time.Millisecond, false, false)
	if replayed, _ := moved(); replayed != 1 {
		t.Errorf("%d replays of a key frame of half a second ago", replayed)
	}
	d.s.selected(l.Peer, l.addr)
	run(200*time.Millisecond, false, true)
	run(1500*time.Millisecond, false, false)
	if _, asked := moved(); asked != 1 {
		t.Errorf("%d requests for a key frame, where the last one is too old", asked)
	}
}

func TestWhoComesFromAnotherNodeStartsWithMostOfWhatTheirWayCarried(t *testing.T) {
	for carried, want := range map[layer.Bitrate]layer.Bitrate{
		0:           600_000,    // from nowhere
		3_000_000:   2_100_000,  // most of it
		700_000:     600_000,    // no less than from nowhere
		200_000:     200_000,    // a narrow way stays narrow
		900_000_000: 14_000_000, // nobody is believed more than a page can use
	} {
		d := newDirect(t)
		d.n.opts.StartBitrate = 600_000
		d.carried = carried
		p := d.join(false, 1)
		if got := p.flow.Estimator().Estimate(d.s.now); got != want {
			t.Errorf("carried %d: begins with %d, want %d", carried, got, want)
		}
	}
}

func TestWhatTheWayCarriesIsToldEveryTenSeconds(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	l := d.listener()
	begin, told := d.s.now, 0
	events := make([]*noderpc.Event, 64)
	for ms := time.Duration(0); ms < 25*time.Second; ms += 20 * time.Millisecond {
		d.at(begin + ms)
		d.pass(pub, pub.video(t, ms == 0, 1000))
		l.listen(t)
		for n := d.n.Outbox("sig").Take(events); n > 0; n = d.n.Outbox("sig").Take(events) {
			for _, ev := range events[:n] {
				if ev.GetLink().GetBps() > 0 && ev.Ref == l.ref {
					told++
				}
			}
		}
	}
	if told < 2 || told > 3 {
		t.Errorf("told %d times in 25 s", told)
	}
}
