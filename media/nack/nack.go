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

// Generator watches one publisher stream for gaps. Not for concurrent use.
type Generator struct {
}

// NewGenerator makes one.
func NewGenerator(o Options) *Generator { return &Generator{} }

// Received takes note of a packet, fresh or recovered. It says whether the packet had been missing.
func (g *Generator) Received(ext seq.Ext, now time.Duration) (recovered bool) { return false }

// Due appends the sequence numbers to ask for now, in order, and counts a try for each. Requests for the same packet are
// at least one rtt apart.
func (g *Generator) Due(dst []uint16, rtt, now time.Duration) []uint16 { return dst }

// Forget drops everything before ext, for instance because a key frame begins there.
func (g *Generator) Forget(ext seq.Ext) {}

// Missing is the number of packets still hoped for.
func (g *Generator) Missing() int { return 0 }

// TakeLost gives the number of packets given up since the last call; not zero means the picture may be broken for good.
func (g *Generator) TakeLost() int { return 0 }

// Dedupe answers each packet at most once per round trip, whatever a receiver asks. The zero value is ready.
type Dedupe struct {
}

// Allow says whether to answer a request for out sequence number s now.
func (d *Dedupe) Allow(s uint16, rtt, now time.Duration) bool { return true }
