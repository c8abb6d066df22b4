package nack

import (
	"time"

	"incamera/media/seq"
)

// Options of a Generator. Zero values take the defaults in brackets.
type Options struct {
	Max        int           // packets that may be missing at once; beyond it the oldest are given up [256]
	MaxTries   int           // requests per packet [10]
	MaxAge     time.Duration // a packet missing for longer is given up [1 s]
	FirstDelay time.Duration // wait for reordered packets before the first request [0]
}

// minRetry bounds how often a packet is asked for when the round trip is tiny or unknown.
const minRetry = 10 * time.Millisecond

type missing struct {
	ext   seq.Ext
	since time.Duration
	asked time.Duration
	tries int
}

// Generator watches one publisher stream for gaps. Not for concurrent use.
type Generator struct {
	o    Options
	high seq.Ext
	lost int
	list []missing // by ext; never grows beyond its first capacity
}

// NewGenerator makes one.
func NewGenerator(o Options) *Generator {
	if o.Max <= 0 {
		o.Max = 256
	}
	if o.MaxTries <= 0 {
		o.MaxTries = 10
	}
	if o.MaxAge <= 0 {
		o.MaxAge = time.Second
	}
	return &Generator{o: o, list: make([]missing, 0, o.Max)}
}

// Received takes note of a packet, fresh or recovered. It says whether the packet had been missing.
func (g *Generator) Received(ext seq.Ext, now time.Duration) (recovered bool) {
	if ext == g.high+1 || g.high == 0 {
		g.high = ext
		return false
	}
	if ext <= g.high {
		i, ok := g.find(ext)
		if ok {
			g.list = append(g.list[:i], g.list[i+1:]...)
		}
		return ok
	}
	g.miss(g.high+1, ext, now)
	g.high = ext
	return false
}

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
// counts a try for each. Requests for the same packet are at least one rtt apart.
func (g *Generator) Due(dst []uint16, rtt, now time.Duration) []uint16 {
	if len(g.list) == 0 {
		return dst
	}
	rtt = max(rtt, minRetry)
	kept := g.list[:0]
	for _, m := range g.list {
		waited := m.tries == 0 && now-m.since >= g.o.FirstDelay || m.tries > 0 && now-m.asked >= rtt
		switch {
		case now-m.since > g.o.MaxAge || waited && m.tries >= g.o.MaxTries:
			g.lost++
			continue
		case waited && len(dst) < cap(dst):
			dst = append(dst, m.ext.Seq())
			m.asked = now
			m.tries++
		}
		kept = append(kept, m)
	}
	g.list = kept
	return dst
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

// TakeLost gives the number of packets given up since the last call; not zero means the picture may be broken for good.
func (g *Generator) TakeLost() int {
	n := g.lost
	g.lost = 0
	return n
}
