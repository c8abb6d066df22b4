package nack

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"incamera/media/seq"
)

// camera answers requests over a path that loses a share of the packets each way. A browser answers for the same packet
// once per round trip; others whenever they are asked.
type camera struct {
	random  *rand.Rand
	loss    float64
	way     time.Duration
	browser bool
	sent    map[uint16]time.Duration
	repeats int
	air     []flight
}

type flight struct {
	at   time.Duration
	seq  uint16
	asks bool // a request on its way to the camera, else a packet on its way from it
}

func (c *camera) passes() bool { return c.random.Float64() >= c.loss }

func (c *camera) packet(s uint16, now time.Duration) {
	c.sent[s] = now
	if c.passes() {
		c.air = append(c.air, flight{at: now + c.way, seq: s})
	}
}

// asked takes a request that came through.
func (c *camera) asked(s uint16, now time.Duration) {
	if c.browser && now-c.sent[s] < 2*c.way {
		return
	}
	c.repeats++
	c.packet(s, now+time.Duration(c.random.IntN(4))*ms) // its pacer takes a little
}

// watched is how a lossy minute went: how long each lost packet took, and how often somebody would have to be told that
// the picture is broken.
type watched struct {
	took            []time.Duration
	broken, repeats int
	camera          *camera
	trip            RoundTrip
}

func (w *watched) share(within time.Duration) float64 {
	n, _ := slices.BinarySearch(w.took, within+1)
	return float64(n) / float64(len(w.took))
}

// watch plays a minute of a stream with a packet every 20 ms.
func watch(c *camera, o Options, assumed time.Duration) *watched {
	const every, minute = 20 * ms, time.Minute
	w := &watched{camera: c}
	g := NewGenerator(o)
	c.sent = map[uint16]time.Duration{}
	came := map[uint16]bool{}
	var buf [256]uint16
	first := seq.Ext(1 << 16)
	for now := time.Duration(0); now < minute; now += ms {
		if now%every == 0 {
			c.packet(uint16(now/every), now)
		}
		flying := c.air
		c.air = nil
		for _, f := range flying {
			switch {
			case f.at > now:
				c.air = append(c.air, f)
			case f.asks:
				c.asked(f.seq, now)
			case !came[f.seq]:
				came[f.seq] = true
				if g.Received(first+seq.Ext(f.seq), now) {
					w.took = append(w.took, now-time.Duration(f.seq)*every-c.way)
					if g.Waited() > 0 {
						w.trip.Took(g.Waited(), now)
					}
				}
			}
		}
		if now%(10*ms) == 0 {
			for _, s := range g.Due(buf[:0], w.trip.Value(assumed), now) {
				if c.passes() {
					c.air = append(c.air, flight{at: now + c.way, seq: s, asks: true})
				}
			}
			if g.TakeLost() > 0 {
				w.broken++
			}
		}
	}
	slices.Sort(w.took)
	return w
}

func lossy(seed uint64, loss float64, way time.Duration, browser bool) *camera {
	return &camera{random: rand.New(rand.NewPCG(seed, 9)), loss: loss, way: way, browser: browser}
}

// minutes plays ten of them.
func minutes(o Options, loss float64, way time.Duration, browser bool) (all watched, trip time.Duration) {
	for seed := range uint64(10) {
		w := watch(lossy(seed, loss, way, browser), o, 60*ms)
		all.took = append(all.took, w.took...)
		all.broken += w.broken
		all.repeats += w.camera.repeats
		trip = max(trip, w.trip.Value(0))
	}
	slices.Sort(all.took)
	return all, trip
}

func TestAThirdLostEachWayIsRepairedBeforeThePictureIsBroken(t *testing.T) {
	all, _ := minutes(Options{Doubt: 500 * ms}, 0.3, 20*ms, true)
	t.Logf("of %d lost packets %.3f came within 100 ms, %.3f within 200, %.3f within 400; broken %d times, %d repeats",
		len(all.took), all.share(100*ms), all.share(200*ms), all.share(400*ms), all.broken, all.repeats)
	if all.share(100*ms) < 0.53 || all.share(200*ms) < 0.9 || all.share(400*ms) < 0.993 {
		t.Error("repairs come too late")
	}
	if all.broken > 10 {
		t.Errorf("in ten minutes the picture is given up %d times", all.broken)
	}
	if most := len(all.took) * 3 / 2; all.repeats > most {
		t.Errorf("%d repeats of %d packets", all.repeats, len(all.took))
	}
}

func TestAPublisherThatAnswersEveryRequestIsNotMadeToRepeatWithoutEnd(t *testing.T) {
	for _, c := range []struct{ loss, each float64 }{{0.05, 1.4}, {0.3, 3}} {
		all, _ := minutes(Options{}, c.loss, 20*ms, false)
		if each := float64(all.repeats) / float64(len(all.took)); each > c.each {
			t.Errorf("loss of %.2f: %.2f repeats of each lost packet", c.loss, each)
		}
	}
}

func TestTheRoundTripIsLearntFromAnswers(t *testing.T) {
	for _, way := range []time.Duration{5 * ms, 20 * ms, 100 * ms, 200 * ms} {
		if _, trip := minutes(Options{}, 0.1, way, true); trip < 2*way || trip > 2*way+25*ms {
			t.Errorf("%v each way: %v", way, trip)
		}
	}
}
