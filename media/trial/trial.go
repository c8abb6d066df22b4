package trial

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"incamera/media/layer"
	"incamera/media/link"
)

// Scenario is one meeting of somebody who only watches.
type Scenario struct {
	Down, Up link.Options
	Node     link.Stalls     // of the machine that the node runs on
	Senders  int             // [1]
	Rates    []layer.Bitrate // of each sender's layers [150, 500 and 2500 kbit/s]
	Start    layer.Bitrate   // what the estimate begins with [the estimator's]
	For      time.Duration   // [30 s]
	Seed     uint64
}

// Sample is the state at one moment.
type Sample struct {
	At              time.Duration
	Estimate        layer.Bitrate
	Sent, Delivered layer.Bitrate // over the last 100 ms
	Queue           time.Duration // really
	Believed        time.Duration // what the estimator takes it for
	Levels          []int         // by slot: the layer that is sent, -1: none
	Paused          int           // slots that get no video
}

// Screen is how one slot looked.
type Screen struct {
	Frames       int
	First        time.Duration
	Freezes      int
	Frozen       time.Duration
	Longest      time.Duration
	LongestAt    time.Duration
	DecodeErrors int
	Shown        []levelSpan // layers by when they came into view
}

// Result is how it went.
type Result struct {
	Samples   []Sample
	Screens   []Screen
	AudioLost float64
	AudioFrom []bool // by 20 ms packet
	Overflows int
	Refused   int // retransmissions beyond their share
	Probes    [3]uint64
	Overuses  uint64
	Loss      float64 // what the estimator takes for the path's own
}

const step = time.Millisecond

// Run plays a scenario.
func Run(sc Scenario) Result {
	sc.Senders = max(sc.Senders, 1)
	if sc.Rates == nil {
		sc.Rates = []layer.Bitrate{150_000, 500_000, 2_500_000}
	}
	if sc.For == 0 {
		sc.For = 30 * time.Second
	}
	r := rand.New(rand.NewPCG(sc.Seed, 1))
	to, from := link.New[sent](sc.Down, sc.Seed), link.New[back](sc.Up, sc.Seed+1000)
	var cameras []*camera
	for range sc.Senders {
		cameras = append(cameras, newCamera(sc.Rates, r))
	}
	var now, leaves, runs time.Duration // leaves is when what the node sends now does: it may be halted between
	n := newNode(cameras, sc.Start, func(p sent, size int) { to.Send(p, size, leaves) })
	machine := link.NewMachine(sc.Node, sc.Seed)
	v := newViewer(sc.Senders)
	var res Result
	bytes, passed := 0, 0
	for ; now < sc.For; now += step {
		n.rtt += (sc.Down.Delay + sc.Up.Delay + to.Queue(now) + (sc.Down.Jitter+sc.Up.Jitter)/2 - n.rtt) / 64
		v.rtt = n.rtt
		for _, c := range cameras {
			if now >= c.next {
				c.frame(now)
			}
		}
		if leaves = machine.Runs(now + step); leaves-now <= step {
			leaves = now
		}
		if now >= runs {
			runs = leaves
			for {
				b, _, ok := from.Receive(now)
				if !ok {
					break
				}
				n.now = now
				n.take(b)
			}
			for i, c := range cameras {
				for l, s := range c.streams {
					c.arrive(l, now, func(p *packet) {
						n.now = now
						n.fresh(n.downs[i], s, p)
					})
				}
			}
			n.step(now)
		}
		for {
			p, at, ok := to.Receive(now)
			if !ok {
				break
			}
			v.take(p, at)
		}
		v.reply(now, func(b back) { from.Send(b, 100, now) })
		for i, d := range n.downs {
			if d.level < 0 && d.want == nil {
				v.screens[i].paused(now)
			}
		}
		if now%(100*time.Millisecond) == 0 {
			s := Sample{
				At: now, Estimate: n.flow.Estimator().Estimate(now), Queue: to.Queue(now),
				Believed: n.flow.Estimator().Queue(),
				Sent:     layer.Bitrate((n.bytes - bytes) * 80), Delivered: layer.Bitrate((to.Bytes - passed) * 80),
			}
			bytes, passed = n.bytes, to.Bytes
			for i, d := range n.downs {
				s.Levels = append(s.Levels, d.level)
				if n.policy.paused != nil && n.policy.paused[i] {
					s.Paused++
				}
			}
			res.Samples = append(res.Samples, s)
		}
	}
	lost := 0
	for i := range n.audio {
		res.AudioFrom = append(res.AudioFrom, v.audio[i])
		if !v.audio[i] {
			lost++
		}
	}
	res.AudioLost = float64(lost) / float64(max(n.audio, 1))
	res.Overflows, res.Refused = n.overflows, n.shared
	res.Probes, res.Overuses = n.flow.Estimator().ProbeResults(), n.flow.Estimator().Overuses()
	res.Loss = n.flow.Estimator().Loss()
	for i, s := range v.screens {
		if gap := now - s.shown; s.frames > 0 && gap > s.longest && n.downs[i].level >= 0 {
			s.longest, s.longestAt = gap, now
			s.freezes++
			s.frozen += gap
		}
		res.Screens = append(res.Screens, Screen{
			Frames: s.frames, First: s.firstPicture, Freezes: s.freezes, Frozen: s.frozen, Longest: s.longest,
			LongestAt: s.longestAt, DecodeErrors: s.decodeErrors, Shown: s.levelSince,
		})
	}
	return res
}

// Course draws the samples as text, for eyes that look for a reason.
func (r *Result) Course(every int) string {
	var b strings.Builder
	for i := 0; i < len(r.Samples); i += every {
		s := &r.Samples[i]
		fmt.Fprintf(&b, "%5.1fs est %5d sent %5d passed %5d queue %4dms believed %4dms %v\n", s.At.Seconds(),
			s.Estimate/1000, s.Sent/1000, s.Delivered/1000, s.Queue/time.Millisecond, s.Believed/time.Millisecond, s.Levels)
	}
	fmt.Fprintf(&b, "probes %v overuses %d overflows %d refused %d audio lost %.3f own loss %.3f\n",
		r.Probes, r.Overuses, r.Overflows, r.Refused, r.AudioLost, r.Loss)
	for _, s := range r.Screens {
		fmt.Fprintf(&b, "%+v\n", s)
	}
	return b.String()
}
