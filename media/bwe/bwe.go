package bwe

import (
	"math"
	"time"

	"incamera/media/layer"
	"incamera/media/twcc"
	"incamera/media/window"
)

// Bitrate is in bit/s.
type Bitrate = layer.Bitrate

// Options of an Estimator. Zero values take the defaults in brackets.
type Options struct {
	Start Bitrate // to begin with: of the network's last transport, or a guess [600 kbit/s]
	Min   Bitrate // never less [30 kbit/s]
	Max   Bitrate // never more [20 Mbit/s]
}

// Blind is the most for a receiver that tells only its losses, or nothing: nothing is known of its queue.
const Blind = 4_000_000

// State is what the delay says.
type State uint8

// The states.
const (
	Normal   State = iota
	Overuse        // a queue grows
	Underuse       // a queue drains: neither up nor down
)

var stateNames = [...]string{"normal", "overuse", "underuse"}

func (s State) String() string { return stateNames[s] }

const (
	down          = 0.85 // of the rate that arrives, when a queue grows
	sameLink      = 5 * time.Second
	downLittle    = 0.93 // likewise, while little waits
	even          = 0.97 // of the rate at which it was sent: it arrives no slower
	climb         = 0.08 // per second, where the link's capacity is not known
	recover       = 0.40 // per second, up to where the link was last full
	headroom      = 1.5  // times what arrives: more was never seen to work
	headroomBits  = 20_000
	headroomKnown = 1.08 // times what arrives, where the capacity was seen
	capacityUsed  = 0.97 // of the link's capacity is where recovery goes at once
	packetBits    = 1200 * 8
	response      = 100 * time.Millisecond // of the other side, beyond the round trip
	windowQueue   = 300 * time.Millisecond // of queue, beyond the round trip, is the most that is filled knowingly
	calm          = 40 * time.Millisecond  // a longer queue: no growth
	pathStep      = 500 * time.Millisecond // by more than this paths hardly ever become longer; queues do
	feedbackStop  = time.Second
	movedPercent  = 80 // of what the old path carried are tried on the new one
	defaultStart  = 600_000
	defaultMin    = 30_000
	defaultMax    = 20_000_000
	wantedMargin  = 1.05 // wanted beyond the estimate by this much: worth a probe
	rembKept      = 5 * time.Second
	reportMax     = Blind
	deaf          = 2 * time.Second // of sending without any word: there will be none
	reportSpacing = 300 * time.Millisecond
)

// Estimator is the estimate for one receiver. Not for concurrent use.
type Estimator struct {
	// What each packet touches is together.
	lastSent time.Duration
	opened   time.Duration // first packet
	probe    prober
	sent     meter

	o        Options // static
	target   Bitrate
	state    State
	rtt      time.Duration
	shortest window.Min // round trip
	wanted   Bitrate
	floor    Bitrate
	delay    detector
	loss     losses
	link     capacity
	busy     busy
	acked    meter         // on the receiver's clock
	left     meter         // the same packets as acked, by when they were sent
	changed  time.Duration // of target, by time
	lowered  time.Duration // last decrease
	heard    time.Duration // last feedback
	filled   Bitrate       // what the link delivered when it was last too full
	filledAt time.Duration
	feedback bool // the receiver sends transport-wide feedback
	settled  bool // the start rate was replaced by something seen
	overuses uint64
	moved    time.Duration
	before   Bitrate // target when the queue became too long
	unheard  Bitrate // target when feedback stopped coming, 0: it comes

	remb       Bitrate
	rembAt     time.Duration
	reported   time.Duration
	reportedAt bool
}

// New makes one.
func New(o Options) *Estimator {
	if o.Min <= 0 {
		o.Min = defaultMin
	}
	if o.Max <= 0 {
		o.Max = defaultMax
	}
	if o.Start <= 0 {
		o.Start = defaultStart
	}
	return &Estimator{
		o: o, target: min(max(o.Start, o.Min), o.Max), rtt: 60 * time.Millisecond, delay: newDetector(),
		shortest: window.Min{Half: baseHalf},
		probe:    prober{gap: probeFirst},
	}
}

// Sent takes note of a packet on its way.
func (e *Estimator) Sent(size int, now time.Duration) {
	if e.lastSent == 0 {
		e.opened = now
	}
	e.sent.add(size, now)
	e.probe.sent(size, now)
	e.lastSent = now
}

// Ack takes what feedback says of one packet; call Update after the last one of a feedback.
func (e *Estimator) Ack(a twcc.Ack) {
	probe := e.probe.holds(a.Sent)
	e.probe.ack(a)
	if a.Lost && a.Sent < e.moved {
		return // with the old path
	}
	newest := e.loss.packet(a, probe)
	if a.Lost {
		return
	}
	e.acked.add(a.Size, a.Arrived)
	e.left.add(a.Size, a.Sent)
	if newest && a.Sent >= e.moved {
		e.delay.packet(a, probe)
		e.busy.packet(a, a.Arrived-a.Sent-e.delay.base.Value())
	}
}

// SetRTT takes the round trip time.
func (e *Estimator) SetRTT(rtt, now time.Duration) {
	e.rtt = min(max(rtt, time.Millisecond), 2*time.Second)
	e.shortest.Add(e.rtt, now)
}

// Congested says that so many bytes in flight are more than the path holds without a long queue, while there is one: what
// is sent now would only wait in it.
func (e *Estimator) Congested(flying int, now time.Duration) bool {
	rate := e.Estimate(now)
	switch seems := e.busy.seems(e.left.rate(shortWindow)); {
	case seems > 0:
		rate = min(rate, seems)
	case e.delay.queue <= queueTooLong:
		return false
	}
	hold := e.shortest.Value() + windowQueue
	return int64(flying)*8*int64(time.Second) > int64(rate)*int64(hold)
}

// SetWanted says what would be sent if the path could carry it. Only who wants more than the estimate is probed for.
func (e *Estimator) SetWanted(rate Bitrate) { e.wanted = rate }

// SetFloor says what the least that is worth sending takes. Below it the estimate falls only when loss, silence or a queue
// that has stood for a while says so: what only lasts a moment would cost the picture for seconds.
func (e *Estimator) SetFloor(rate Bitrate) { e.floor = rate }

// Moved says that the path is another one: what was seen of the old one's delay and capacity means nothing any more. If
// nothing was heard over the old one at the end, that made the estimate small, and no link did.
func (e *Estimator) Moved(now time.Duration) {
	e.delay = newDetector()
	e.busy = busy{}
	e.filled = 0
	e.shortest = window.Min{Half: baseHalf}
	e.link = capacity{}
	e.loss = losses{high: e.loss.high}
	e.state, e.moved = Normal, now
	e.target, e.unheard = max(e.target, e.unheard*movedPercent/100), 0
	e.heard = max(e.heard, now)
	e.probe.next = now
}

// Update draws the conclusions of a feedback.
func (e *Estimator) Update(now time.Duration) {
	e.feedback, e.heard, e.unheard = true, now, 0
	acked := max(e.acked.rate(shortWindow), e.acked.rate(shortWindow/2)) // a full link delivers evenly
	was := e.state
	long := e.delay.long
	e.state = e.delay.verdict()
	switch {
	case e.busy.chokes(e.left.rate(shortWindow)) > 0 && !e.probe.active && !e.probe.waiting:
		e.state = Overuse
	case e.state == Overuse && !e.busy.sure():
		e.state = Underuse
	}
	switch {
	case !long && e.delay.long:
		e.before = e.target
	case e.delay.rebased > pathStep: // who knows what it is: only a probe may tell that it carries more
		e.link, e.probe.next = capacity{}, now
	case e.delay.rebased > 0: // it was not our doing
		e.target = max(e.target, e.before)
		e.link = capacity{}
	}
	probing := e.probe.active || e.probe.waiting
	switch {
	case e.state == Overuse && (!probing || e.delay.queue > 2*queueTooLong):
		if was != Overuse {
			e.overuses++
		}
		e.overused(acked, now)
	case e.state == Normal && e.delay.queue < calm:
		e.grow(now)
	}
	e.changed = now
	if e.delay.queue < queueTooLong { // a long queue's losses are its own
		e.loss.window()
	}
	e.endProbe(now)
}

// overused goes below what the link delivers, so that its queue drains.
func (e *Estimator) overused(acked Bitrate, now time.Duration) {
	left := e.left.rate(shortWindow)
	if arrived, sent := e.busy.rates(left); arrived > 0 { // nothing in it is from before the link was full
		acked, left = arrived, sent
	}
	if acked == 0 {
		acked = min(e.target, max(e.sent.rate(shortWindow), e.o.Min)) / 2
	}
	if now-e.lowered < max(e.rtt+response/2, 150*time.Millisecond) && acked > e.target/2 {
		return
	}
	// What arrives as fast as it was sent makes no queue grow: it stands for another reason, and less would not help.
	if left > 0 && float64(acked) >= even*float64(left) &&
		(e.delay.state != Overuse || e.delay.queue < 2*queueTooLong) {
		return
	}
	if floor := min(e.floor, e.target); down*float64(acked) < float64(floor) && !e.delay.stands() {
		e.lower(floor, now)
		return
	}
	// A link that was just seen full is no narrower because the end of its queue came in drips.
	if floor := Bitrate(down * 1000 * e.link.mean); now-e.link.at < sameLink && acked < floor && acked > floor*3/4 && e.delay.queue < 3*queueTooLong {
		e.lower(floor, now)
		return
	}
	e.link.seen(acked, now)
	e.filled, e.filledAt = acked, now
	share := down
	if e.delay.queue < 2*queueTooLong && acked > e.target*3/4 { // a key frame's, that is soon gone
		share = downLittle
	}
	e.lower(Bitrate(share*float64(acked)), now)
}

func (e *Estimator) lower(to Bitrate, now time.Duration) {
	if to < e.target {
		e.target = max(to, e.o.Min)
		e.settled = true
	}
	e.lowered = now
	e.probe.gap = probeFirst
	e.probe.next = now + e.probe.gap
}

// grow raises the estimate slowly: by packets near the capacity that was seen, by a share elsewhere. Never far beyond what
// arrives: what was not tried is not known.
func (e *Estimator) grow(now time.Duration) {
	acked := e.acked.rate(steadyWindow)
	if acked == 0 || e.changed == 0 {
		return
	}
	limit := Bitrate(headroom*float64(acked)) + headroomBits
	if e.link.known(now) {
		// That much was seen to work, and more than that not.
		limit = max(Bitrate(capacityUsed*1000*e.link.mean), Bitrate(headroomKnown*float64(acked)))
	}
	if e.target >= limit {
		return
	}
	dt := min(now-e.changed, time.Second).Seconds()
	t := float64(e.target)
	switch {
	case !e.link.known(now) || e.link.beyond(acked):
		t *= math.Pow(1+climb, dt)
	case e.link.near(e.target):
		t += max(packetBits/(e.rtt+response).Seconds(), 0.02*t) * dt
	default:
		t *= math.Pow(1+recover, dt)
	}
	e.target = min(max(e.target, min(Bitrate(t), limit)), e.o.Max)
}

// judgeLoss takes the answer of the probe that asked what loss means.
func (e *Estimator) judgeLoss(now time.Duration) {
	if !e.loss.told(e.probe.packets, e.probe.lost) {
		return
	}
	passed := Bitrate(float64(e.loss.sent) * (1 - e.loss.share) / (1 - e.loss.own) * probeCautious)
	e.link.seen(passed, now)
	e.lower(passed, now)
}

// Tick does what time alone brings: a receiver that fell silent, probes that were never answered.
func (e *Estimator) Tick(now time.Duration) {
	e.endProbe(now)
	if !e.feedback && e.remb == 0 && !e.reportedAt && e.lastSent > 0 && now-e.opened > deaf {
		e.target, e.reportedAt = min(max(e.target, Blind), e.o.Max), true
	}
	if !e.feedback || now-e.heard < max(feedbackStop, 4*e.rtt) || e.lastSent < e.heard {
		return
	}
	e.heard = now
	if e.unheard == 0 {
		e.unheard = e.target
	}
	e.state = Overuse
	e.overuses++
	e.lower(e.target/2, now)
}

// Estimate is what may be sent, in bit/s of whole datagrams.
func (e *Estimator) Estimate(now time.Duration) Bitrate {
	t := e.target
	if e.remb > 0 && now-e.rembAt < rembKept {
		t = min(t, e.remb)
	}
	return max(t, e.o.Min)
}

// State is what the delay says now.
func (e *Estimator) State() State { return e.state }

// Overuses counts how often a growing queue was found.
func (e *Estimator) Overuses() uint64 { return e.overuses }

// Tight says that the estimate is about what the link carries: a burst faster than it would only fill a queue.
func (e *Estimator) Tight(now time.Duration) bool {
	return e.link.known(now) && e.link.near(e.target)
}

// LongQueue is when the path's queue is too long.
const LongQueue = queueTooLong

// Queue is how long packets wait in the path's queue, as far as delays tell.
func (e *Estimator) Queue() time.Duration { return e.delay.queue }

// Loss is the share of packets that the path loses whatever is sent.
func (e *Estimator) Loss() float64 { return e.loss.own }

// Known says whether the receiver tells anything of its path besides losses.
func (e *Estimator) Known(now time.Duration) bool {
	return e.feedback || e.remb > 0 && now-e.rembAt < rembKept
}
