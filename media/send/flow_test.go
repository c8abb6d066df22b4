package send

import (
	"testing"
	"time"

	"incamera/media/bwe"
	"incamera/media/layer"
	"incamera/media/pacer"
	"incamera/media/twcc"
)

const ms = time.Millisecond

// told is a flow whose receiver reports everything at once.
type told struct {
	*Flow[int]
	recorder *twcc.Recorder
	number   uint16
	now      time.Duration
	delay    time.Duration
}

func newTold(start layer.Bitrate) *told {
	return &told{Flow: New[int](bwe.Options{Start: start}), recorder: twcc.NewRecorder(), delay: 20 * ms}
}

func (f *told) packet(size int) {
	f.Sent(f.number, size, f.now)
	f.recorder.Record(f.number, f.now+f.delay)
	f.number++
}

func (f *told) report(t *testing.T) {
	t.Helper()
	part, _ := f.recorder.Append(nil, 1, 2, 1000, f.now)
	if len(part) == 0 {
		return
	}
	if err := f.Feedback(part, 40*ms, f.now); err != nil {
		t.Fatal(err)
	}
}

func TestTheBudgetIsWhatIsLeftForPayloadOfVideo(t *testing.T) {
	f := newTold(1_000_000)
	for ; f.now < 5*time.Second; f.now += 20 * ms {
		f.Audio(100) // 51 kbit/s with its datagram's headers
		f.packet(100)
		f.Video(800, 750)
		f.packet(800)
		f.Tick(f.now)
		f.report(t)
	}
	estimate := float64(f.Estimator().Estimate(f.now))
	want := (estimate*0.995 - 51_200) * 750 / 828
	if got := float64(f.Budget(f.now)); got < want*0.97 || got > want*1.03 {
		t.Errorf("budget %.0f of an estimate of %.0f, want %.0f", got, estimate, want)
	}
}

func TestTheBudgetIsNeverUnlimitedForLackOfRoom(t *testing.T) {
	f := New[int](bwe.Options{Start: 30_000})
	for now := time.Duration(0); now < 2*time.Second; now += 20 * ms {
		f.Audio(400)
		f.Tick(now)
	}
	if got := f.Budget(2 * time.Second); got != 1 {
		t.Errorf("budget %d", got)
	}
}

func TestNothingIsHeldBackFromAReceiverThatTellsNothing(t *testing.T) {
	f := New[int](bwe.Options{Start: 100_000})
	for i := range 100 {
		f.Tick(0)
		if !f.Pass(0) {
			t.Fatalf("packet %d waits", i)
		}
		f.Sent(uint16(i), 1200, 0)
	}
}

func TestThePaceIsAMultipleOfTheEstimate(t *testing.T) {
	f := newTold(800_000)
	f.packet(100)
	f.now = 50 * ms
	f.report(t)
	f.now = time.Second
	f.Tick(f.now)
	n := 0
	for f.Pass(f.now) {
		f.packet(1222)
		n++
	}
	if n < 1 || n > 4 {
		t.Errorf("%d packets at once", n)
	}
	if o := f.Push(pacer.Video, 1, 50_000, f.now); o != pacer.Queued {
		t.Error(o)
	}
	if d := f.Delay(f.now); d < 180*ms || d > 230*ms { // 400 kbit at 2 Mbit/s
		t.Errorf("it would wait for %v", d)
	}
}

func TestVideoWaitsWhileThePathIsFullButNotForEver(t *testing.T) {
	f := newTold(2_000_000)
	for ; f.now < time.Second; f.now += 5 * ms {
		f.packet(1000)
		f.Tick(f.now)
		if f.now%(50*ms) == 0 {
			f.report(t)
		}
	}
	for range 60 { // each comes later than the one before
		f.now += 5 * ms
		f.delay += 20 * ms
		f.packet(1000)
	}
	f.report(t)
	for range 40 {
		f.packet(1000) // on their way
	}
	f.report(t)
	f.packet(1000)
	if part, _ := f.recorder.Append(nil, 1, 2, 1000, f.now); part == nil {
		t.Fatal("nothing to report")
	}
	for range 60 {
		f.Sent(f.number, 1200, f.now) // not reported
		f.number++
	}
	f.recorder.Record(f.number-60, f.now+f.delay)
	f.report(t)
	f.now += 300 * ms
	f.Tick(f.now)
	if f.Pass(f.now) {
		t.Error("video goes into a full path")
	}
	f.now += time.Second
	f.Tick(f.now)
	if !f.Pass(f.now) {
		t.Error("video waits though nothing is heard any more")
	}
}

func TestRepairsHaveAShareAndNeverStarve(t *testing.T) {
	f := New[int](bwe.Options{Start: 1_000_000})
	sent := 0
	for now := time.Duration(0); now < 10*time.Second; now += 10 * ms {
		f.Tick(now)
		for f.Repair(1000) {
			sent += 1028
		}
	}
	if rate := sent * 8 / 10; rate < 240_000 || rate > 275_000 {
		t.Errorf("repairs at %d bit/s", rate)
	}
}

func TestSteadySendingAllocatesNothing(t *testing.T) {
	f := newTold(2_000_000)
	var part [1200]byte
	step := func() {
		for range 20 {
			f.now += 3 * ms
			f.packet(1000)
			f.Video(1000, 950)
		}
		b, _ := f.recorder.Append(part[:0], 1, 2, 1000, f.now)
		if err := f.Feedback(b, 40*ms, f.now); err != nil {
			t.Fatal(err)
		}
		f.Tick(f.now)
		f.Budget(f.now)
		f.Want(1_000_000)
	}
	step()
	if n := testing.AllocsPerRun(200, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSent(b *testing.B) {
	f := New[int](bwe.Options{Start: 20_000_000})
	n, now := uint16(0), time.Duration(0)
	for b.Loop() {
		now += ms
		if f.Pass(now) {
			f.Sent(n, 1100, now)
			f.Video(1100, 1050)
			n++
		}
	}
}
