package bwe

import (
	"math"
	"time"

	"incamera/media/seq"
	"incamera/media/twcc"
)

const (
	lossWindow  = 400 * time.Millisecond
	lossPackets = 20
	lossLongest = 1500 * time.Millisecond
	lossMargin  = 0.05
	lossMuch    = 0.2
	lossSure    = 50 // packets, for one window to be enough
	lossWindows = 2  // in a row, or one with much more before the rate is suspected
	lossAsk     = 32 // packets of the probe that asks
	lossTries   = 3  // of a probe that nothing is heard of
)

// losses tells loss that our rate causes from loss that is always there. A path that loses at any rate must not make us
// slower; a short full queue must. When loss rises, a short probe at twice the rate asks: where the queue is full, it loses
// far more; where it loses the same, the loss is the path's own and taken as given from then on.
type losses struct {
	own           float64 // share that is lost at any rate
	high          seq.Ext
	arrived, lost int
	bytes         int
	began, newest time.Duration // sending times of the window
	suspicious    int           // windows in a row with more loss than the path's own

	asking bool    // a probe shall tell
	share  float64 // that is asked about
	sent   Bitrate // at this rate
	tries  int
	once   bool // one probe said that the rate is the cause
}

// packet takes what became of one packet. A probe's packets do not count: they were meant to fill the link. It says
// whether the packet is the newest so far.
func (l *losses) packet(a twcc.Ack, probe bool) (newest bool) {
	late := a.Seq <= l.high
	l.high = max(l.high, a.Seq)
	if probe {
		return !late
	}
	if late {
		// Reported as lost before, and only reordered.
		if !a.Lost && l.lost > 0 {
			l.lost--
			l.arrived++
		}
		return false
	}
	if l.arrived+l.lost == 0 {
		l.began = a.Sent
	}
	l.newest = a.Sent
	l.bytes += a.Size
	if a.Lost {
		l.lost++
	} else {
		l.arrived++
	}
	return true
}

// window closes the window when it is long enough, and says whether a probe must tell what its loss means.
func (l *losses) window() {
	span := l.newest - l.began
	n := l.arrived + l.lost
	if n < 8 || span < lossWindow || n < lossPackets && span < lossLongest {
		return
	}
	share := float64(l.lost) / float64(n)
	sent := Bitrate(int64(l.bytes) * 8 * int64(time.Second) / int64(span))
	l.arrived, l.lost, l.bytes = 0, 0, 0
	if l.asking {
		return
	}
	noise := 2 * math.Sqrt(max(l.own*(1-l.own), 0.01)/float64(n))
	if share <= l.own+max(lossMargin, noise) {
		l.suspicious = 0
		l.own += (share - l.own) / 8
		return
	}
	if l.suspicious++; l.suspicious < lossWindows && (n < lossSure || share < l.own+max(lossMuch, 2*noise)) {
		return
	}
	l.suspicious, l.tries, l.once = 0, 0, false
	l.asking, l.share, l.sent = true, share, sent
}

// told takes what the probe met: how many of its packets arrived, and how many did not. True: our rate is the cause.
func (l *losses) told(arrived, lost int) (ours bool) {
	if arrived+lost < lossAsk/3 {
		l.tries++
		l.asking = l.tries < lossTries
		return false
	}
	l.asking = false
	// At twice the rate a full queue would pass no more than before.
	if met := float64(lost) / float64(arrived+lost); met > l.share+(1-l.share)/4 {
		if !l.once && met < l.share+(1-l.share)*0.4 { // it may be chance: ask again
			l.once, l.asking = true, true
			return false
		}
		return true
	}
	l.own = max(l.own, l.share)
	return false
}
