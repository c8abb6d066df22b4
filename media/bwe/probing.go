package bwe

import "time"

// burstMost is how much faster than a link a burst may seem, in percent; more is another link, if a longer probe says
// the same.
const burstMost = 130

// Probe says whether a probe should be sent now: at the start, again and again after a decrease, and as long as it brings
// more, whenever more is wanted than the estimate allows.
func (e *Estimator) Probe(now time.Duration) (Cluster, bool) {
	p := &e.probe
	if p.active {
		return p.cluster, true
	}
	if l := &e.loss; l.asking && !p.waiting {
		return p.start(max(2*l.sent, 2*e.o.Min), true, now), true
	}
	if p.waiting || now < p.next || e.target >= e.o.Max || !e.wants() {
		return Cluster{}, false
	}
	if e.state == Overuse || e.delay.queue > calm {
		return Cluster{}, false
	}
	if !e.feedback && p.started { // the first probe finds out whether there is feedback at all
		return Cluster{}, false
	}
	rate := min(e.target*probeFactor, e.o.Max)
	return p.start(min(rate, max(Bitrate(wantedMargin*wantedMargin*float64(e.wanted)), e.target*5/4)), false, now), true
}

// wants says whether more is wanted than the estimate.
func (e *Estimator) wants() bool { return float64(e.wanted) > wantedMargin*float64(e.target) }

// Eager says that Probe would have one sent.
func (e *Estimator) Eager(now time.Duration) bool {
	p := &e.probe
	return p.active || !p.waiting && (e.loss.asking || now >= p.next && e.wants())
}

// Padding is how many bytes are missing of the probe that is being sent, so that it goes out at its rate; ahead is how
// long until the next call.
func (e *Estimator) Padding(now, ahead time.Duration) int {
	p := &e.probe
	if !p.active {
		return 0
	}
	due := int(int64(p.cluster.Rate) * int64(now-p.began+ahead) / 8 / int64(time.Second))
	return max(min(due, p.cluster.Bytes)-p.bytes, 0)
}

// endProbe takes a probe's result.
func (e *Estimator) endProbe(now time.Duration) {
	p := &e.probe
	if !p.active && !p.waiting {
		return
	}
	rate, result, done := p.evaluate(now, e.rtt, e.loss.own)
	if !done {
		return
	}
	p.results[result]++
	if p.cluster.Small {
		e.judgeLoss(now)
		return
	}
	// A shaper lets a short burst pass faster than what it carries for long, which its queue has told.
	if e.filled > 0 && now-e.filledAt < capacityKept && rate > e.filled {
		switch {
		case rate < e.filled*burstMost/100:
			rate = e.filled
		case !p.cluster.Long:
			p.doubted, p.next = true, now
			return
		default:
			e.filled = 0
		}
	}
	switch result {
	case ProbeRaised:
		if rate > e.target {
			e.target = min(rate, e.o.Max)
		}
		e.settled = true
		if e.link.beyond(rate) {
			e.link = capacity{}
		}
		p.gap, p.next = probeFirst, now
	case ProbeFull:
		if rate > e.target*5/4 { // another link than before: there may be more
			p.gap = probeFirst / 2
		}
		if rate > e.target || !e.settled {
			e.target = min(max(rate, e.o.Min), e.o.Max)
		}
		e.settled = true
		e.link.seen(rate, now)
		p.next = now + p.gap
		p.gap = min(p.gap*3/2, probeMost)
	case ProbeLost:
		p.next = now + p.gap/4
	}
}

// ProbeResults counts probes by result.
func (e *Estimator) ProbeResults() [NumProbeResults]uint64 { return e.probe.results }

// Cluster is the probe that is being sent, if there is one.
func (e *Estimator) Cluster() (Cluster, bool) { return e.probe.cluster, e.probe.active }

// REMB takes a receiver's own estimate. It counts as a cap, or as all there is when no other feedback comes.
func (e *Estimator) REMB(rate Bitrate, now time.Duration) {
	e.remb, e.rembAt = max(rate, e.o.Min), now
	if !e.feedback {
		e.target = min(e.remb, e.o.Max)
		e.settled = true
	}
}

// Report takes the share of packets lost since the last receiver report. It counts only for receivers that send nothing
// better; nothing is known of their queues then, so the estimate stays within a cautious cap.
func (e *Estimator) Report(lost float64, now time.Duration) {
	if e.feedback || e.remb > 0 && now-e.rembAt < rembKept {
		return
	}
	since := now - e.reported
	if e.reportedAt && since < reportSpacing+e.rtt {
		return
	}
	if !e.reportedAt {
		since = reportSpacing
	}
	e.reported, e.reportedAt = now, true
	switch {
	case lost > 0.1:
		e.target = max(Bitrate(float64(e.target)*(1-lost/2)), e.o.Min)
		e.lowered = now
	case lost < 0.02 && e.target < reportMax:
		e.target = min(Bitrate(float64(e.target)*(1+recover*min(since, 2*time.Second).Seconds())), reportMax)
	}
}
