package send

import (
	"time"

	"incamera/media/bwe"
	"incamera/media/layer"
	"incamera/media/pacer"
	"incamera/media/twcc"
)

// Datagram is what IP and UDP add to each packet. A narrow link carries that, too.
const Datagram = 28

const (
	history   = 2048 // packets whose fate may still be told
	pace      = 2.5  // times the estimate, so that frames are not stretched
	paceTight = 1.0  // where the estimate is the link's capacity
	paceFull  = 1.05 // while the path's queue is too long
	repairs   = 0.25 // of the estimate may be retransmissions
	repairMin = 64_000
	twiceFrom = 0.12                   // of all packets lost
	repairFor = 500 * time.Millisecond // of it may be used at once
	copyLoss  = 0.03                   // of all packets lost: from there copies of sound are worth what they cost
	copyFrom  = 200_000                // of the estimate: below it they would take half of it
	keep      = 0.005                  // of the estimate is kept back for retransmissions, besides what the path loses
	holdMost  = 500 * time.Millisecond // since the last feedback
	useEvery  = 250 * time.Millisecond
)

// Flow is all that goes to one receiver. T names a packet that waits. Not for concurrent use.
type Flow[T any] struct {
	pacer.Queue[T]

	sent twcc.History
	ack  func(twcc.Ack)

	held     bool // the path is full: video waits
	heard    time.Duration
	pace     layer.Bitrate
	repair   int // bytes of repairs that may go out
	repairAt time.Duration

	// How the sent bytes divide, over the last second or so: the estimate speaks of datagrams, layers of their payload.
	usedAt         time.Duration
	audio, video   int // datagram bytes since usedAt
	payload        int // of video
	audioRate      layer.Bitrate
	payloadPercent int64

	bwe bwe.Estimator
}

// New makes the flow of a receiver; start is what its last transport was good for, 0 if there was none.
func New[T any](o bwe.Options) *Flow[T] {
	f := &Flow[T]{sent: *twcc.NewHistory(history), bwe: *bwe.New(o), payloadPercent: 93}
	f.ack = f.bwe.Ack
	f.repair = repairMin
	return f
}

// Sent takes note of a packet as it goes out: its transport-wide number and its size as a UDP payload.
func (f *Flow[T]) Sent(n uint16, size int, now time.Duration) {
	size += Datagram
	f.sent.Sent(n, size, now)
	f.bwe.Sent(size, now)
	f.Debit(size, now)
}

// Fetch begins to fetch the memory that the next packets will touch.
func (f *Flow[T]) Fetch() { f.sent.Fetch() }

// Audio and Video count what goes out, to know what one byte of a layer costs.
func (f *Flow[T]) Audio(size int) { f.audio += size + Datagram }

// Video counts a packet of new video with its payload.
func (f *Flow[T]) Video(size, payload int) {
	f.video += size + Datagram
	f.payload += payload
}

// Pass says whether a packet of video may go now.
func (f *Flow[T]) Pass(now time.Duration) bool { return !f.held && f.Queue.Pass(now) }

// Full says that video waits for the path's queue to drain. What a picture begins with need not: wherever it waits, it is
// shown when all that is before it has gone.
func (f *Flow[T]) Full() bool { return f.held }

// Pop gives the next packet that may go now.
func (f *Flow[T]) Pop(now time.Duration) (what T, ok bool) {
	if f.held {
		return what, false
	}
	return f.Queue.Pop(now)
}

// Feedback takes one transport-wide feedback, with its RTCP header.
func (f *Flow[T]) Feedback(part []byte, rtt, now time.Duration) error {
	f.bwe.SetRTT(rtt, now)
	if err := f.sent.OnFeedback(part, f.ack); err != nil {
		return err
	}
	f.bwe.Update(now)
	f.setPace(now)
	f.held, f.heard = f.bwe.Congested(f.sent.InFlight(), now), now
	return nil
}

// Silent is how long nothing has been told of what was sent; 0 before the first feedback.
func (f *Flow[T]) Silent(now time.Duration) time.Duration {
	if f.heard == 0 {
		return 0
	}
	return now - f.heard
}

// Estimator is for the rarer questions.
func (f *Flow[T]) Estimator() *bwe.Estimator { return &f.bwe }

// Tick does what time brings. True: call again soon, something waits or a probe is going out.
func (f *Flow[T]) Tick(now time.Duration) (soon bool) {
	f.bwe.Tick(now)
	// Without feedback nothing is known: it may be missing because nothing is sent.
	f.held = f.held && now-f.heard < holdMost && f.bwe.Congested(f.sent.InFlight(), now)
	if now-f.usedAt >= useEvery {
		f.use(now)
	}
	f.allow(now)
	_, probing := f.bwe.Probe(now)
	f.setPace(now)
	return probing || f.Len() > 0
}

// use takes the measure of what was sent since the last time.
func (f *Flow[T]) use(now time.Duration) {
	span := min(now-f.usedAt, time.Second)
	rate := layer.Bitrate(int64(f.audio) * 8 * int64(time.Second) / int64(span))
	f.audioRate += (rate - f.audioRate) / 4
	if f.video > 4000 {
		f.payloadPercent += (int64(f.payload*100/f.video) - f.payloadPercent) / 4
	}
	f.audio, f.video, f.payload, f.usedAt = 0, 0, 0, now
}

func (f *Flow[T]) setPace(now time.Duration) {
	e := f.bwe.Estimate(now)
	factor := pace
	switch {
	case f.bwe.State() != bwe.Normal && f.bwe.Queue() > bwe.LongQueue:
		factor = paceFull
	case f.bwe.Tight(now):
		factor = paceTight
	}
	rate := layer.Bitrate(factor * float64(e))
	if !f.bwe.Known(now) {
		rate = 0 // nothing is told of the path: spreading its packets would be a guess
	}
	if c, ok := f.bwe.Cluster(); ok && rate > 0 {
		rate = max(rate, c.Rate)
	}
	if rate != f.pace {
		f.pace = rate
		f.SetRate(rate)
	}
}

// allow gives retransmissions their share.
func (f *Flow[T]) allow(now time.Duration) {
	part := repairs
	if f.Twice() {
		part *= 2
	}
	rate := max(layer.Bitrate(part*float64(f.bwe.Estimate(now))), repairMin)
	dt := min(now-f.repairAt, repairFor)
	f.repairAt = now
	most := int(int64(rate) * int64(repairFor) / 8 / int64(time.Second))
	f.repair = min(f.repair+int(int64(rate)*int64(dt)/8/int64(time.Second)), most)
}

// Repair says whether a retransmission of this size is within its share; if so it is taken from it.
func (f *Flow[T]) Repair(size int) bool {
	if f.repair <= 0 {
		return false
	}
	f.repair -= size + Datagram
	return true
}

// Twice says that so much is lost on the path that a retransmission is sent twice, some time apart: else many a packet
// would be lost until its receiver gives up.
func (f *Flow[T]) Twice() bool { return f.bwe.Loss() >= twiceFrom }

// Copies says whether sound may bring copies of itself, where its publisher sends them.
func (f *Flow[T]) Copies(now time.Duration) bool {
	return !f.bwe.Known(now) || f.bwe.Estimate(now) >= copyFrom || f.bwe.Loss() >= copyLoss
}

// Budget is the payload of video that may be sent: the estimate without audio, a reserve for retransmissions, and headers.
func (f *Flow[T]) Budget(now time.Duration) layer.Bitrate {
	e := layer.Bitrate(f.share() * float64(f.bwe.Estimate(now)))
	return max((e-f.audioRate)*layer.Bitrate(f.payloadPercent)/100, 1)
}

// share of the estimate is for what is new.
func (f *Flow[T]) share() float64 { return 1 - keep - min(f.bwe.Loss(), repairs) }

// Want says what all video that is wished for would take, as payload.
func (f *Flow[T]) Want(payload layer.Bitrate) { f.bwe.SetWanted(f.whole(payload)) }

// Floor says what the least video that is worth sending takes, as payload.
func (f *Flow[T]) Floor(payload layer.Bitrate) { f.bwe.SetFloor(f.whole(payload)) }

// whole is what has to be sent for so much payload of video, sound and repairs and all; 0 for none.
func (f *Flow[T]) whole(payload layer.Bitrate) layer.Bitrate {
	if payload == 0 {
		return 0
	}
	whole := float64(payload)*100/float64(f.payloadPercent) + float64(f.audioRate)
	return layer.Bitrate(whole / f.share())
}
