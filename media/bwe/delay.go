package bwe

import (
	"math"
	"time"

	"incamera/media/twcc"
	"incamera/media/window"
)

const (
	burst        = 5 * time.Millisecond // packets sent closer than this are one group
	trendWindow  = 20                   // groups
	trendSmooth  = 0.9
	trendGain    = 4.0
	trendMost    = 60
	thresholdMin = 6.0
	thresholdMax = 600.0
	overuseTime  = 10.0 // ms above the threshold

	baseHalf = 5 * time.Second       // the base delay is the least of the last 5 to 10 s
	nowHalf  = 25 * time.Millisecond // the delay now is the least of the last 25 to 50 ms: jitter only ever adds

	steadyHalf = 500 * time.Millisecond
	standing   = time.Second             // so long a queue must have been too long to be believed whatever it costs
	longPath   = 1500 * time.Millisecond // so long the delay must have stayed the same to be the path's

	queueTrust   = 25 * time.Millisecond // growth below this may be jitter
	queueTooLong = 60 * time.Millisecond // more than this is too much, growing or standing
)

// group is packets that left together. They are measured by the last of them.
type group struct {
	first, sent, arrived time.Duration
	any                  bool
}

// detector finds a growing queue in the delays of packets.
type detector struct {
	cur, prev group
	base, now window.Min
	queue     time.Duration
	was       time.Duration // queue at the last verdict
	last      time.Duration // newest arrival

	// Since when the queue is too long, the most that it was since, and the least of the last half to one second.
	longSince time.Duration
	long      bool
	most      time.Duration
	grew      time.Duration // when it was last longer than before
	steady    window.Min
	rebased   time.Duration // at the last verdict, by so much

	// The trend: least squares over the smoothed, accumulated change of delay.
	began    time.Duration
	sum      float64
	smooth   float64
	x, y     [trendWindow]float64
	n        int
	deltas   int
	slope    float64
	trend    float64
	limit    float64
	limitAt  time.Duration
	over     float64 // ms above the threshold, -1: not above it
	overuses int
	state    State
}

func newDetector() detector {
	return detector{base: window.Min{Half: baseHalf}, now: window.Min{Half: nowHalf}, limit: 12.5, over: -1}
}

// packet takes an arrival in sending order. A packet of a probe tells the queue but is no part of the trend: it was
// meant to fill the link.
func (d *detector) packet(a twcc.Ack, probe bool) {
	delay := a.Arrived - a.Sent
	d.base.Add(delay, a.Arrived)
	d.now.Add(delay, a.Arrived)
	d.queue = d.now.Value() - d.base.Value()
	d.last = max(d.last, a.Arrived)
	if probe {
		d.cur.any, d.prev.any = false, false
		return
	}
	switch {
	case !d.cur.any:
		d.cur = group{first: a.Sent, sent: a.Sent, arrived: a.Arrived, any: true}
	case a.Sent-d.cur.first <= burst:
		d.cur.sent, d.cur.arrived = a.Sent, max(d.cur.arrived, a.Arrived)
	default:
		d.finish()
		d.prev = d.cur
		d.cur = group{first: a.Sent, sent: a.Sent, arrived: a.Arrived, any: true}
	}
}

func ms(t time.Duration) float64 { return float64(t) / float64(time.Millisecond) }

// finish takes the current group into the trend.
func (d *detector) finish() {
	if !d.prev.any {
		return
	}
	sent, arrived := d.cur.sent-d.prev.sent, d.cur.arrived-d.prev.arrived
	if sent > time.Second {
		d.forget()
		return
	}
	if d.n == 0 {
		d.began = d.cur.arrived
	}
	d.sum += ms(arrived - sent)
	d.smooth = trendSmooth*d.smooth + (1-trendSmooth)*d.sum
	i := d.n % trendWindow
	d.x[i], d.y[i] = ms(d.cur.arrived-d.began), d.smooth
	d.n++
	d.deltas = min(d.deltas+1, trendMost)
	was := d.slope
	if d.n >= trendWindow {
		d.slope = d.fit()
	}
	d.judge(was, ms(sent))
}

func (d *detector) forget() {
	d.sum, d.smooth, d.n, d.deltas, d.slope, d.trend = 0, 0, 0, 0, 0, 0
	d.over, d.overuses, d.state = -1, 0, Normal
}

// fit is the slope of the window by least squares.
func (d *detector) fit() float64 {
	var mx, my float64
	for i := range trendWindow {
		mx += d.x[i]
		my += d.y[i]
	}
	mx, my = mx/trendWindow, my/trendWindow
	var num, den float64
	for i := range trendWindow {
		dx := d.x[i] - mx
		num += dx * (d.y[i] - my)
		den += dx * dx
	}
	if den == 0 {
		return d.slope
	}
	return num / den
}

// judge compares the trend with a threshold that adapts to how unsteady the path is.
func (d *detector) judge(was, sent float64) {
	d.trend = float64(d.deltas) * d.slope * trendGain
	switch {
	case d.trend > d.limit:
		if d.over < 0 {
			d.over = sent / 2
		} else {
			d.over += sent
		}
		d.overuses++
		if d.over > overuseTime && d.overuses > 1 && d.slope >= was {
			d.over, d.overuses, d.state = 0, 0, Overuse
		}
	case d.trend < -d.limit:
		d.over, d.overuses, d.state = -1, 0, Underuse
	default:
		d.over, d.overuses, d.state = -1, 0, Normal
	}
	at := d.cur.arrived
	if d.limitAt == 0 {
		d.limitAt = at
	}
	if size := math.Abs(d.trend); size <= d.limit+15 {
		k := 0.0087
		if size < d.limit {
			k = 0.039
		}
		d.limit += k * (size - d.limit) * min(ms(at-d.limitAt), 100)
		d.limit = min(max(d.limit, thresholdMin), thresholdMax)
	}
	d.limitAt = at
}

// rebase finds out that the path has become longer: its delay neither grows nor shrinks, whatever is sent. How a queue
// answers to what is sent is seen only when what was in it has gone.
func (d *detector) rebase() {
	d.rebased = 0
	if d.queue <= queueTooLong {
		d.long = false
		return
	}
	if !d.long {
		d.long, d.longSince, d.most, d.steady = true, d.last, 0, window.Min{Half: steadyHalf}
	}
	if d.queue > d.most+d.most/20 {
		d.most, d.grew = d.queue, d.last
	}
	d.steady.Add(d.queue, d.last)
	if d.last-d.longSince > longPath && d.last-d.grew > d.queue && d.steady.Value() >= d.most*9/10 {
		d.base = d.now
		d.base.Half = baseHalf
		d.queue, d.long, d.rebased = 0, false, d.queue
		d.forget()
	}
}

// stands says that the queue has been too long for a while.
func (d *detector) stands() bool { return d.long && d.last-d.longSince > standing }

// verdict is asked once per feedback.
func (d *detector) verdict() State {
	d.rebase()
	grows := d.queue >= d.was-2*time.Millisecond
	d.was = d.queue
	switch {
	case d.state == Overuse && d.queue > queueTrust:
		return Overuse
	case d.queue > queueTooLong && grows:
		return Overuse
	case d.state == Underuse || d.queue > queueTooLong:
		return Underuse
	}
	return Normal
}
