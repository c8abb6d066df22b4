// Package traffic is what a publisher of the bench sends, and when: the generator and the floor program play the same.
package traffic

import (
	"time"

	"golang.org/x/sys/unix"
)

// AudioEvery and AudioSize are those of Opus at 32 kbit/s or so.
const (
	AudioEvery = 20 * time.Millisecond
	AudioSize  = 90
)

// Pattern is one publisher's traffic.
type Pattern struct {
	Name  string
	Frame time.Duration // between two pictures
	Sizes []int         // payloads of the packets of a picture
	Burst int           // so many at once
	Gap   time.Duration // between the bursts of one picture
	Audio bool
	Runs  bool // a burst is one run for the kernel to cut: it arrives as a network card with GRO would hand it over
}

// The patterns that the rows use.
var (
	// Bursts of 10: 2.6 Mbit/s, a picture of ten packets at once, as encoders without a pacer send.
	Tens = Pattern{Name: "bursts of 10", Frame: time.Second / 30, Sizes: same(10), Burst: 10}
	// Bursts of 2: the same pictures as libwebrtc's pacer lets them out, every 5 ms.
	Pairs = Pattern{Name: "bursts of 2", Frame: time.Second / 30, Sizes: same(10), Burst: 2, Gap: 5 * time.Millisecond}
	// Meeting is a camera of 1.2 Mbit/s and its sound.
	Meeting = Pattern{Name: "1.2 Mbit/s and audio", Frame: time.Second / 25, Sizes: []int{1100, 1100, 1100, 1100, 1100, 500}, Burst: 6, Audio: true}
	// Stream is a camera of 1.2 Mbit/s, in bursts of 3 as a pacer lets it out.
	Stream = Pattern{Name: "1.2 Mbit/s", Frame: time.Second / 25, Sizes: []int{1000, 1000, 1000, 1000, 1000, 1000}, Burst: 3, Gap: 5 * time.Millisecond}
	// Flood is many packets of one publisher at once, FloodRuns the same in runs.
	Flood     = Pattern{Name: "1500 packets/s in bursts of 50", Frame: time.Second / 30, Sizes: same(50), Burst: 50}
	FloodRuns = Pattern{Name: "1500 packets/s in runs of 50", Frame: time.Second / 30, Sizes: same(50), Burst: 50, Runs: true}
	// Small is a camera's lowest layer, for rooms where everybody sees many.
	Small = Pattern{Name: "150 kbit/s", Frame: time.Second / 15, Sizes: []int{1000, 250}, Burst: 2, Audio: true}
)

func same(n int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = 1100
	}
	return sizes
}

// Rate is packets a second.
func (p *Pattern) Rate() float64 {
	r := float64(len(p.Sizes)) / p.Frame.Seconds()
	if p.Audio {
		r += float64(time.Second / AudioEvery)
	}
	return r
}

// Event is one thing to send: packets From to To of a picture, or sound.
type Event struct {
	At       time.Duration
	Audio    bool
	Frame    int
	From, To int
}

// Player gives the events of a pattern in order.
type Player struct {
	p     Pattern
	start time.Duration
	frame int
	burst int
	sound int
}

// NewPlayer begins at start.
func NewPlayer(p Pattern, start time.Duration) *Player { return &Player{p: p, start: start} }

// Next gives the coming event without taking it.
func (p *Player) Next() Event {
	bursts := (len(p.p.Sizes) + p.p.Burst - 1) / p.p.Burst
	if p.burst == bursts {
		p.burst, p.frame = 0, p.frame+1
	}
	at := p.start + time.Duration(p.frame)*p.p.Frame + time.Duration(p.burst)*p.p.Gap
	if p.p.Audio {
		// Sound ticks by a clock of its own, half a packet away from the pictures'.
		if sound := p.start + AudioEvery/2 + time.Duration(p.sound)*AudioEvery; sound < at {
			return Event{At: sound, Audio: true}
		}
	}
	from := p.burst * p.p.Burst
	return Event{At: at, Frame: p.frame, From: from, To: min(from+p.p.Burst, len(p.p.Sizes))}
}

// Take goes on to the event after e.
func (p *Player) Take(e Event) {
	if e.Audio {
		p.sound++
	} else {
		p.burst++
	}
}

// Monotonic is the clock of all schedules.
func Monotonic() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return time.Duration(ts.Nano())
}

// SleepUntil sleeps without the Go scheduler's timers, which are up to a millisecond late.
func SleepUntil(at time.Duration) {
	ts := unix.NsecToTimespec(int64(at))
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) == unix.EINTR {
	}
}
