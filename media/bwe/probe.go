package bwe

import (
	"time"

	"incamera/media/twcc"
)

const (
	probeTime     = 50 * time.Millisecond
	probeLong     = 150 * time.Millisecond // where a shorter one may have passed as a burst
	probeBytes    = 2500                   // at least
	probeSmall    = 290                    // bytes of a small packet
	probeLongest  = 250 * time.Millisecond
	probeFactor   = 2
	probeWait     = 400 * time.Millisecond // for its feedback, beyond the round trip
	probeFirst    = 2 * time.Second        // after a decrease
	probeMost     = 4 * time.Second        // between probes while somebody wants more
	probeLeast    = 5                      // packets that must have arrived
	probeFull     = 0.9                    // arrived slower than this share of the sending rate: the link is full
	probeStretch  = 4 * time.Millisecond   // it came this much slower than it left: less is chance
	probeDropped  = 0.15                   // of its packets, beyond what the path loses: less is chance
	probeCautious = 0.99                   // of what a full link delivered
)

// Cluster is a probe: packets at a rate that the path has not been seen to carry.
type Cluster struct {
	Rate  Bitrate
	Bytes int
	Long  bool // longer than any burst that a shaper lets pass
	Small bool // many small packets rather than few large ones: it is their number that lost ones are counted in
}

// ProbeResult is how a probe ended.
type ProbeResult uint8

// The results.
const (
	ProbeRaised ProbeResult = iota // all of it came through: there may be more
	ProbeFull                      // the link's capacity was seen
	ProbeLost                      // too little of it was reported on
	NumProbeResults
)

var probeNames = [NumProbeResults]string{"raised", "full", "lost"}

func (r ProbeResult) String() string { return probeNames[r] }

// prober runs one probe at a time.
type prober struct {
	active  bool // being sent
	waiting bool // for feedback
	cluster Cluster
	began   time.Duration
	ended   time.Duration

	bytes     int // sent
	count     int
	lastBytes int // of it with the last sending time
	lastSent  time.Duration

	packets, lost int
	got           int // bytes that arrived
	firstArrival  time.Duration
	lastArrival   time.Duration
	firstBytes    int
	beyond        bool // something sent after it was reported on

	firstSent, latestSent time.Duration // of the first and the last to arrive

	doubted bool // what the last one told may have been a burst's
	started bool // the first probe was made
	next    time.Duration
	gap     time.Duration
	results [NumProbeResults]uint64
}

// holds says whether the packet was part of the probe.
func (p *prober) holds(sent time.Duration) bool {
	return p.active && sent >= p.began || p.waiting && sent >= p.began && sent <= p.ended
}

func (p *prober) start(rate Bitrate, asks bool, now time.Duration) Cluster {
	c := Cluster{Rate: rate, Small: asks, Long: p.doubted && !asks}
	during := probeTime
	if c.Long {
		during = probeLong
	}
	c.Bytes = max(int(int64(rate)*int64(during)/8/int64(time.Second)), probeBytes)
	if asks {
		c.Bytes = max(c.Bytes, lossAsk*probeSmall)
	}
	*p = prober{active: true, started: true, cluster: c, began: now, next: p.next, gap: p.gap, results: p.results}
	return c
}

func (p *prober) sent(size int, now time.Duration) {
	if !p.active {
		return
	}
	if p.bytes == 0 {
		p.began = now
	}
	if now != p.lastSent {
		p.lastSent, p.lastBytes = now, 0
	}
	p.bytes += size
	p.lastBytes += size
	p.count++
	if p.bytes >= p.cluster.Bytes && now-p.began >= probeTime/2 || now-p.began > probeLongest {
		p.active, p.waiting, p.ended = false, true, now
	}
}

func (p *prober) ack(a twcc.Ack) {
	if a.Sent > p.ended && p.waiting {
		p.beyond = true
	}
	if !p.holds(a.Sent) {
		return
	}
	if a.Lost {
		p.lost++
		return
	}
	if p.packets == 0 || a.Arrived < p.firstArrival {
		p.firstArrival, p.firstBytes, p.firstSent = a.Arrived, a.Size, a.Sent
	}
	if p.packets == 0 || a.Arrived >= p.lastArrival {
		p.lastArrival, p.latestSent = a.Arrived, a.Sent
	}
	p.packets++
	p.got += a.Size
}

// evaluate ends a probe once all feedback is in, or too late. own is the share that the path loses at any rate.
func (p *prober) evaluate(now, rtt time.Duration, own float64) (rate Bitrate, result ProbeResult, done bool) {
	if p.active && now-p.began > probeLongest { // nothing could be sent
		p.active = false
		if p.waiting = p.bytes > 0; !p.waiting {
			return 0, ProbeLost, true
		}
		p.ended = now
	}
	if !p.waiting || !p.beyond && now-p.ended < rtt+probeWait {
		return 0, 0, false
	}
	if p.beyond && p.packets+p.lost == 0 && now-p.ended < rtt+probeWait {
		return 0, 0, false // its own feedback was overtaken
	}
	p.waiting = false
	if p.packets+p.lost < p.count/2 || p.lastSent == p.began {
		return 0, ProbeLost, true
	}
	if p.packets < probeLeast || p.got*2 < int(float64(p.bytes)*(1-own)) { // dropped by a queue that holds little
		return rateOf(p.got, p.lastSent-p.began), ProbeFull, true
	}
	sent := rateOf(p.bytes-p.lastBytes, p.lastSent-p.began)
	arrived := rateOf(int(float64(p.got-p.firstBytes)/(1-min(own, 0.5))), p.lastArrival-p.firstArrival)
	stretched := p.lastArrival - p.firstArrival - (p.latestSent - p.firstSent)
	dropped := float64(p.lost) > (own+probeDropped)*float64(p.packets+p.lost)
	if float64(arrived) < probeFull*float64(sent) && (stretched > probeStretch || dropped) {
		return Bitrate(probeCautious * float64(arrived)), ProbeFull, true
	}
	return sent, ProbeRaised, true
}

func rateOf(bytes int, over time.Duration) Bitrate {
	return Bitrate(int64(bytes) * 8 * int64(time.Second) / max(int64(over), int64(time.Millisecond)))
}
