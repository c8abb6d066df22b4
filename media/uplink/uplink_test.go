package uplink

import (
	"math/rand/v2"
	"testing"
	"time"

	"incamera/media/layer"
	"incamera/media/seq"
)

const (
	soundSize = 110 // as a datagram
	pieceSize = 1000
	holds     = 64 << 10 // bytes that wait before the line at most
)

type packet struct {
	size  int
	ts    seq.RTPTime
	sound bool
	at    time.Duration // when it arrives
}

// publisher sends sound, and pictures at a rate that follows what it is told half a round trip later.
type publisher struct {
	watch   Watch
	now     time.Duration
	line    layer.Bitrate // of its line
	longer  time.Duration // than it was
	jitter  time.Duration
	video   layer.Bitrate // that it would send
	told    layer.Bitrate
	toldAt  time.Duration
	limits  int
	holds   int  // that began or ended
	held    bool // as it knows
	heldAt  time.Duration
	muted   bool
	stands  bool // its clock does while it is muted
	samples seq.RTPTime
	owed    float64
	flying  []packet
	free    time.Duration // when the line has sent all
	random  *rand.Rand
}

func newPublisher() *publisher {
	return &publisher{line: 5_000_000, video: 3_000_000, random: rand.New(rand.NewPCG(7, 7))}
}

func (p *publisher) queue() time.Duration { return max(p.free-p.now, 0) }

func (p *publisher) send(q packet) {
	if int64(p.queue())*int64(p.line)/8/int64(time.Second)+int64(q.size) > holds {
		return
	}
	p.free = max(p.free, p.now) + time.Duration(int64(q.size)*8*int64(time.Second)/int64(p.line))
	q.at = p.free + 20*time.Millisecond + p.longer
	if p.jitter > 0 {
		q.at += time.Duration(p.random.Int64N(int64(p.jitter)))
	}
	p.flying = append(p.flying, q)
}

// run plays a while and calls each with every millisecond of it.
func (p *publisher) run(d time.Duration, each func()) {
	for end := p.now + d; p.now < end; p.now += time.Millisecond {
		if p.now%(20*time.Millisecond) == 0 {
			if !p.muted || !p.stands {
				p.samples += 960
			}
			if !p.muted {
				p.send(packet{size: soundSize, ts: p.samples, sound: true})
			}
		}
		video := p.video
		if p.told > 0 && p.now-p.toldAt > 100*time.Millisecond {
			video = min(video, p.told) // as browsers do: the sound besides
		}
		if p.watch.Held() != p.held && p.now-p.heldAt > 100*time.Millisecond {
			p.held, p.heldAt = !p.held, p.now
			p.holds++
		}
		if p.held {
			video = 0
		}
		for p.owed += float64(video) / 8000; p.owed >= pieceSize; p.owed -= pieceSize {
			p.send(packet{size: pieceSize})
		}
		kept := p.flying[:0]
		for _, q := range p.flying {
			if q.at > p.now {
				kept = append(kept, q)
				continue
			}
			p.watch.Arrived(q.size)
			if q.sound {
				p.watch.Sound(q.ts, q.size, p.now)
			}
		}
		p.flying = kept
		if rate, tell := p.watch.Limit(p.now); tell {
			if p.told == 0 {
				p.toldAt = p.now
			}
			p.told, p.limits = rate, p.limits+1
		}
		if each != nil {
			each()
		}
	}
}

func TestPeopleHearEachOtherInTimeSoonAfterALineHasShrunk(t *testing.T) {
	p := newPublisher()
	p.run(10*time.Second, nil)
	if p.limits > 0 {
		t.Fatal("limited on a wide line")
	}
	p.line = 150_000
	p.run(7*time.Second, nil) // most of it is what its own queue holds: 64 KiB take 3.5 s
	most, sum := time.Duration(0), 0
	p.run(20*time.Second, func() {
		most = max(most, p.queue())
		sum += int(p.told)
	})
	if most > 450*time.Millisecond {
		t.Errorf("sound waits %v before the line", most)
	}
	if p.holds != 2 {
		t.Errorf("pictures were stopped or let go %d times", p.holds)
	}
	if mean := sum / 20_000; mean < 50_000 {
		t.Errorf("pictures may have only %d bit/s of it", mean)
	}
}

func TestPicturesGoOnWhereALimitAloneEmptiesTheQueue(t *testing.T) {
	p := newPublisher()
	p.run(5*time.Second, nil)
	p.line = 500_000
	p.run(15*time.Second, nil)
	if p.holds > 0 || p.limits == 0 {
		t.Errorf("pictures were stopped or let go %d times, %d limits", p.holds, p.limits)
	}
}

func TestAHoldEndsWithItsReason(t *testing.T) {
	p := newPublisher()
	p.run(5*time.Second, nil)
	p.line = 150_000
	p.run(2*time.Second, nil)
	if !p.watch.Held() {
		t.Fatal("not held")
	}
	p.muted = true // once what was said has come, nothing tells of the queue
	if p.run(5*time.Second, nil); p.watch.Held() {
		t.Error("held for ever")
	}
}

func TestALineThatIsWideAgainIsNotHeldBack(t *testing.T) {
	p := newPublisher()
	p.run(5*time.Second, nil)
	p.line = 300_000
	p.run(10*time.Second, nil)
	p.line = 5_000_000
	p.run(14*time.Second, nil)
	if p.told != Free {
		t.Errorf("still told %d bit/s", p.told)
	}
}

func TestAPathThatIsLongerIsNoQueue(t *testing.T) {
	p := newPublisher()
	p.video = 500_000
	p.run(5*time.Second, nil)
	p.longer = 300 * time.Millisecond
	p.run(6*time.Second, nil)
	if p.told != 0 && p.told != Free {
		t.Errorf("still told %d bit/s", p.told)
	}
	told := p.limits
	p.run(30*time.Second, nil)
	if p.limits > told+tellFreed {
		t.Error("limited again and again")
	}
}

func TestJitterIsNoQueue(t *testing.T) {
	p := newPublisher()
	p.jitter = 100 * time.Millisecond
	if p.run(60*time.Second, nil); p.limits > 0 {
		t.Errorf("limited %d times", p.limits)
	}
}

func TestAVoiceThatComesBackIsNotLate(t *testing.T) {
	for _, stands := range []bool{false, true} {
		p := newPublisher()
		p.run(5*time.Second, nil)
		p.muted, p.stands = true, stands
		p.run(20*time.Second, nil)
		p.muted = false
		p.run(10*time.Second, nil)
		p.muted = true
		p.run(500*time.Millisecond, nil) // too short to tell from a queue, but switched by the person
		p.watch.Anew()
		p.muted = false
		if p.run(10*time.Second, nil); p.limits > 0 {
			t.Errorf("clock stands %v: limited %d times", stands, p.limits)
		}
	}
}

func TestNobodyIsLimitedWhoSaysNothing(t *testing.T) {
	p := newPublisher()
	p.muted, p.line = true, 500_000
	if p.run(10*time.Second, nil); p.limits > 0 {
		t.Errorf("limited %d times", p.limits)
	}
}

func TestNothingAllocates(t *testing.T) {
	var w Watch
	now := time.Duration(0)
	ts := seq.RTPTime(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += 30 * time.Millisecond
		ts += 960
		w.Arrived(1000)
		w.Sound(ts, soundSize, now)
		w.Limit(now)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
