package uplink

import (
	"time"

	"incamera/media/layer"
	"incamera/media/seq"
	"incamera/media/window"
)

const (
	every      = 50 * time.Millisecond // between two looks
	baseHalf   = 10 * time.Second      // the usual lateness is the least of the last 10 to 20 s
	nowHalf    = 50 * time.Millisecond
	pauseLeast = 3 * time.Second // without sound: where its clock stood still meanwhile, it begins anew
	quiet      = time.Second     // without sound nothing is known

	tooLong = 150 * time.Millisecond // a queue that talking suffers from
	short   = 60 * time.Millisecond  // jitter makes as much
	grown   = 100 * time.Millisecond // a queue that still grows: the line carries less than it was taken for

	buckets      = 6 // of a look each: the time over which the line's rate is measured at most
	bucketsLeast = 3
	drain        = 0.75 // of the line's rate, while there is a queue
	drainLong    = 0.5  // while it is long
	long         = 500 * time.Millisecond
	regain       = 0.9    // of the line's rate, once the queue is gone
	climb        = 0.20   // per second from there
	enough       = 4      // times the line's rate: no limit any more
	leastLimit   = 60_000 // browsers that may send less stop their pictures for seconds
	voiceOver    = time.Second
	holdFrom     = long            // a queue that even the least limit leaves standing
	holdTo       = tooLong         // leaves room for the key frame with which pictures go on
	shrinks      = 3 * time.Second // a queue that does not, whatever is sent, is none; what is in it must leave first
	shrunk       = 0.9
	tellEvery    = 200 * time.Millisecond
	urgent       = 0.8 // of what was told: lines fill within half a second
	tellFreed    = 3   // times, as feedback may be lost
)

// Free is told to a publisher whose line needs no limit any more.
const Free layer.Bitrate = 1_000_000_000

// Watch looks at what comes from one publisher. The zero value is ready. Not for concurrent use.
type Watch struct {
	started bool
	ts      seq.RTPTime
	clock   time.Duration // of ts, since the first
	heard   time.Duration
	voice   float64 // bits a second of sound, by its own clock: a queue lets it come more slowly
	base    window.Min
	late    window.Min

	looked time.Duration
	bytes  [buckets]int // by look, the newest at n
	took   [buckets]time.Duration
	n      int

	limit   layer.Bitrate // 0: none
	held    bool          // pictures should wait
	line    layer.Bitrate // what it was measured to carry
	most    time.Duration // of the queue in this episode
	checkAt time.Duration // when the queue must have shrunk
	checkAs time.Duration // from this
	tellAt  time.Duration
	told    layer.Bitrate
	freed   int // times that it still must be told
}

// Sound takes note of a packet of the voice by its timestamp and its size as a datagram.
func (w *Watch) Sound(ts seq.RTPTime, size int, now time.Duration) {
	if !w.started {
		w.begin(ts, now)
		return
	}
	step := seq.AudioClock.Duration(ts.Sub(w.ts))
	if step <= 0 {
		return
	}
	gap := now - w.heard
	w.ts, w.heard = ts, now
	w.clock += step
	w.voice += (float64(size)*8/step.Seconds() - w.voice) * min(step.Seconds()/voiceOver.Seconds(), 1)
	if step > gap+time.Second || gap > pauseLeast && step < gap/2 {
		w.begin(ts, now)
		return
	}
	w.base.Add(now-w.clock, now)
	w.late.Add(now-w.clock, now)
}

// begin takes the lateness of this moment for the usual one.
func (w *Watch) begin(ts seq.RTPTime, now time.Duration) {
	w.started, w.ts, w.heard = true, ts, now
	w.base, w.late = window.Min{Half: baseHalf}, window.Min{Half: nowHalf}
	w.base.Add(now-w.clock, now)
	w.late.Add(now-w.clock, now)
}

// Arrived counts what came, in bytes of a datagram.
func (w *Watch) Arrived(size int) { w.bytes[w.n] += size }

// Queue is how long packets wait before the line, as far as sound tells.
func (w *Watch) Queue() time.Duration {
	if !w.started {
		return 0
	}
	return w.late.Value() - w.base.Value()
}

// Behind is the queue while the publisher is limited for it: so much longer takes whatever it is asked for.
func (w *Watch) Behind() time.Duration {
	if w.limit == 0 {
		return 0
	}
	return w.Queue()
}

// Held says that the publisher should send no pictures at all until the queue is gone.
func (w *Watch) Held() bool { return w.held }

// Limit says what the publisher should be told now, if anything: how much it may send.
func (w *Watch) Limit(now time.Duration) (rate layer.Bitrate, tell bool) {
	if now-w.looked >= every {
		w.took[w.n] = now - w.looked
		w.looked = now
		w.look(now)
		w.n = (w.n + 1) % buckets
		w.bytes[w.n] = 0
	}
	falls := w.limit > 0 && float64(w.limit) < urgent*float64(w.told)
	if now < w.tellAt && !falls {
		return 0, false
	}
	switch {
	case w.limit > 0:
		w.tellAt, w.told = now+tellEvery, w.limit
		return w.limit, true
	case w.freed > 0:
		w.freed--
		w.tellAt, w.told = now+tellEvery, Free
		return Free, true
	}
	return 0, false
}

// rate is what came over the last looks while there was a queue of this length, which began to come so long ago.
func (w *Watch) rate(queue time.Duration) layer.Bitrate {
	sum, span := 0, time.Duration(0)
	for k := range min(max(int(queue/every), bucketsLeast), buckets) {
		i := (w.n + buckets - k) % buckets
		sum, span = sum+w.bytes[i], span+w.took[i]
	}
	return layer.Bitrate(int64(sum) * 8 * int64(time.Second) / int64(max(span, every)))
}

func (w *Watch) look(now time.Duration) {
	began := w.limit == 0
	w.judge(w.Queue(), now)
	least := holdFrom
	if began || w.held { // when a line shrinks, what it holds already comes on top of the queue that is seen
		least = holdTo
	}
	w.held = w.limit > 0 && w.Queue() >= least && (w.held || w.share(drainLong) == leastLimit)
}

// judge sets the limit.
func (w *Watch) judge(queue, now time.Duration) {
	switch {
	case !w.started || now-w.heard > quiet:
		w.free()
	case w.limit == 0 && queue >= tooLong:
		w.note(queue, now)
		w.measure()
		w.tellAt = now
	case w.limit == 0:
	case queue >= short:
		if queue > w.most+grown {
			w.note(queue, now)
			w.measure()
		} else if now >= w.checkAt {
			if float64(queue) > shrunk*float64(w.checkAs) {
				w.begin(w.ts, w.heard) // the path is that long, or the publisher is that slow
				w.free()
				return
			}
			w.note(queue, now)
		}
		w.limit = w.share(w.drain())
	default:
		w.note(queue, now)
		w.limit = max(w.limit+layer.Bitrate(climb*every.Seconds()*float64(w.limit)), w.share(regain))
		if w.limit > enough*w.line {
			w.free()
		}
	}
}

// note begins to wait for a queue of this length to shrink.
func (w *Watch) note(queue, now time.Duration) {
	w.most, w.checkAt, w.checkAs = queue, now+shrinks+queue, queue
}

// measure takes what comes while there is a queue for what the line carries.
func (w *Watch) measure() {
	w.line = max(w.rate(w.Queue()), leastLimit)
	w.limit = w.share(w.drain())
}

func (w *Watch) drain() float64 {
	if w.Queue() > long {
		return drainLong
	}
	return drain
}

// share of the line without its sound: browsers fill the limit with pictures and padding, and send the sound besides.
func (w *Watch) share(of float64) layer.Bitrate {
	return max(layer.Bitrate(of*float64(w.line))-layer.Bitrate(w.voice), leastLimit)
}

// Anew forgets what was usual: the source of the sound was switched on.
func (w *Watch) Anew() { w.started = false }

func (w *Watch) free() {
	if w.limit > 0 {
		w.limit, w.freed = 0, tellFreed
	}
}
