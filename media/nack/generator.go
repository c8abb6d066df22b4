package nack

import (
	"time"

	"incamera/media/seq"
)

// Pace is how soon a packet is asked for again.
type Pace uint8

const (
	// Adaptive gives the first answer all its time on a path that loses little. When it has not come, or where much is lost,
	// either way may have lost it: then requests go out faster than answers can come, as one that is lost costs time and
	// one too many costs some bytes. Browsers answer once per round trip, whatever they are asked.
	Adaptive Pace = iota
	// Hasty never waits for the first answer.
	Hasty
	// Patient asks once per round trip, as browsers do.
	Patient
)

// Options of a Generator. Zero values take the defaults in brackets.
type Options struct {
	Max        int           // packets that may be missing at once; beyond it the oldest are given up [256]
	MaxTries   int           // requests per packet [40]
	MaxAge     time.Duration // a packet missing for longer is given up [1 s]
	Doubt      time.Duration // a packet missing for longer, and for four round trips, is asked for still but told as lost [MaxAge]
	FirstDelay time.Duration // wait for reordered packets before the first request [0]
	Pace       Pace
}

const (
	// minRetry bounds how often a packet is asked for when the round trip is tiny or unknown.
	minRetry = 10 * time.Millisecond
	hasty    = 12  // requests; after so many there is no hurry any more
	lossMuch = 26  // of 256 packets
	lossOver = 128 // packets that the share is taken over
	// doubtRounds is how many round trips a packet may take before anybody doubts that it comes.
	doubtRounds = 4
)

type missing struct {
	ext   seq.Ext
	since time.Duration
	first time.Duration // of the requests
	asked time.Duration // the last one
	tries int
	told  bool // as lost
}

// Generator watches one publisher stream for gaps. Not for concurrent use.
type Generator struct {
	o      Options
	high   seq.Ext
	key    seq.Ext // where the newest key frame begins: nobody needs what was before
	lost   int
	loss   int // share of packets that were missing at first, in 1/256, times lossOver
	waited time.Duration
	list   []missing // by ext; never grows beyond its first capacity
}

// NewGenerator makes one.
func NewGenerator(o Options) *Generator {
	if o.Max <= 0 {
		o.Max = 256
	}
	if o.MaxTries <= 0 {
		o.MaxTries = 40
	}
	if o.MaxAge <= 0 {
		o.MaxAge = time.Second
	}
	if o.Doubt <= 0 {
		o.Doubt = o.MaxAge
	}
	return &Generator{o: o, list: make([]missing, 0, o.Max)}
}

// Received takes note of a packet, fresh or recovered. It says whether the packet had been missing.
func (g *Generator) Received(ext seq.Ext, now time.Duration) (recovered bool) {
	if ext == g.high+1 || g.high == 0 {
		g.high = ext
		g.loss -= g.loss / lossOver
		return false
	}
	if ext <= g.high {
		i, ok := g.find(ext)
		if ok {
			if g.waited = 0; g.list[i].tries > 0 {
				g.waited = now - g.list[i].first
			}
			g.list = append(g.list[:i], g.list[i+1:]...)
		}
		return ok
	}
	g.miss(g.high+1, ext, now)
	g.high = ext
	return false
}

// Waited is the time from the first request for the packet that was recovered last until it came; 0 if it came unasked.
func (g *Generator) Waited() time.Duration { return g.waited }

// Key notes that a key frame begins at ext: losing what was before it breaks no picture any more.
func (g *Generator) Key(ext seq.Ext) { g.key = max(g.key, ext) }

// miss adds the packets from..to-1, giving up the oldest when there are too many.
func (g *Generator) miss(from, to seq.Ext, now time.Duration) {
	n := to - from
	if n > seq.Ext(g.o.Max) {
		g.lost += int(min(n-seq.Ext(g.o.Max), 1<<20))
		from = to - seq.Ext(g.o.Max)
		n = seq.Ext(g.o.Max)
	}
	if over := len(g.list) + int(n) - g.o.Max; over > 0 {
		g.lost += over
		g.list = append(g.list[:0], g.list[over:]...)
	}
	for e := from; e < to; e++ {
		g.loss += 256 - g.loss/lossOver
		g.list = append(g.list, missing{ext: e, since: now})
	}
}

// find gives the index of the first entry not before ext.
func (g *Generator) find(ext seq.Ext) (i int, ok bool) {
	lo, hi := 0, len(g.list)
	for lo < hi {
		mid := (lo + hi) / 2
		if g.list[mid].ext < ext {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(g.list) && g.list[lo].ext == ext
}

// Due appends the sequence numbers to ask for now, in order, as far as dst has room (give a buffer with capacity), and
// counts a try for each.
func (g *Generator) Due(dst []uint16, rtt, now time.Duration) []uint16 {
	if len(g.list) == 0 {
		return dst
	}
	rtt = max(rtt, minRetry)
	doubt := max(g.o.Doubt, doubtRounds*rtt)
	kept := g.list[:0]
	for _, m := range g.list {
		due := g.due(&m, rtt, now)
		over := now-m.since > g.o.MaxAge || due && m.tries >= g.o.MaxTries
		if (over || now-m.since > doubt) && !m.told {
			m.told = true
			if m.ext >= g.key {
				g.lost++
			}
		}
		if over {
			continue
		}
		if due && len(dst) < cap(dst) {
			dst = append(dst, m.ext.Seq())
			if m.asked = now; m.tries == 0 {
				m.first = now
			}
			m.tries++
		}
		kept = append(kept, m)
	}
	g.list = kept
	return dst
}

// due says whether it is time to ask for a packet.
func (g *Generator) due(m *missing, rtt, now time.Duration) bool {
	switch {
	case m.tries == 0:
		return now-m.since >= g.o.FirstDelay
	case g.o.Pace == Patient:
		return now-m.asked >= rtt
	case m.tries == 1 && g.o.Pace == Adaptive && g.loss < lossMuch*lossOver:
		return now-m.asked >= rtt+rtt/4
	case m.tries < hasty:
		return now-m.asked >= max(rtt/2, minRetry)
	}
	return now-m.asked >= rtt
}

// Forget drops everything before ext, for instance because a key frame begins there. These do not count as lost.
func (g *Generator) Forget(ext seq.Ext) {
	if len(g.list) == 0 {
		return
	}
	i, _ := g.find(ext)
	g.list = append(g.list[:0], g.list[i:]...)
}

// Missing is the number of packets still hoped for.
func (g *Generator) Missing() int { return len(g.list) }

// TakeLost gives the number of packets that were given up or doubted since the last call, of those that the newest key
// frame does not make pointless; not zero means the picture may be broken for good.
func (g *Generator) TakeLost() int {
	n := g.lost
	g.lost = 0
	return n
}
