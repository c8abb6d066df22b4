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
	lossTest    = 3 * time.Second
)

// losses tells loss that our rate causes from loss that is always there. A path that loses at any rate must not make us
// slower; a short full queue must. When loss rises, the rate is cut once: if that did not help, the loss is the path's
// own and is taken as given from then on.
type losses struct {
	own           float64 // share that is lost at any rate
	high          seq.Ext
	arrived, lost int
	bytes         int
	began, newest time.Duration // sending times of the window
	suspicious    int           // windows in a row with more loss than the path's own

	testing  bool
	testFrom time.Duration
	before   Bitrate // the estimate before the cut
	sentThen Bitrate // what was sent before the cut
	lostThen float64
	share    float64 // of the last window
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

// verdict of a window.
type verdict uint8

const (
	lossFine       verdict = iota
	lossCut                // the rate may be the cause: go down to what arrives
	lossFalseAlarm         // it was not: go back to where we were
)

// window closes the window when it is long enough.
func (l *losses) window(now time.Duration, rtt time.Duration) verdict {
	span := l.newest - l.began
	n := l.arrived + l.lost
	if n < 8 || span < lossWindow || n < lossPackets && span < lossLongest {
		return lossFine
	}
	share := float64(l.lost) / float64(n)
	sent := Bitrate(int64(l.bytes) * 8 * int64(time.Second) / int64(span))
	began := l.began
	l.arrived, l.lost, l.bytes = 0, 0, 0
	l.share = share
	if l.testing {
		return l.tested(share, sent, began, now, rtt)
	}
	noise := 2 * math.Sqrt(max(l.own*(1-l.own), 0.01)/float64(n))
	if share <= l.own+max(lossMargin, noise) {
		l.suspicious = 0
		l.own += (share - l.own) / 8
		return lossFine
	}
	if l.suspicious++; l.suspicious < lossWindows && (n < lossSure || share < l.own+max(lossMuch, 2*noise)) {
		return lossFine
	}
	l.suspicious = 0
	l.testing, l.testFrom, l.sentThen, l.lostThen = true, now, sent, share
	return lossCut
}

// tested looks whether the cut helped.
func (l *losses) tested(share float64, sent Bitrate, began, now, rtt time.Duration) verdict {
	if began < l.testFrom+rtt/2 {
		return lossFine
	}
	if sent > l.sentThen*9/10 { // not slower yet
		if now-l.testFrom > lossTest {
			l.testing = false
		}
		return lossFine
	}
	l.testing = false
	if share < l.own+(l.lostThen-l.own)*0.6 {
		return lossFine // it helped
	}
	l.own = (share + l.lostThen) / 2
	return lossFalseAlarm
}
