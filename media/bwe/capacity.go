package bwe

import (
	"math"
	"time"
)

const capacityKept = 20 * time.Second

// capacity remembers the rate at which the link was last seen full, and how sure that is.
type capacity struct {
	mean, deviation float64 // kbit/s; the deviation is relative to the root of the mean
	at              time.Duration
}

func (c *capacity) seen(rate Bitrate, now time.Duration) {
	k := float64(rate) / 1000
	if c.mean == 0 || now-c.at > capacityKept || math.Abs(k-c.mean) > c.spread() {
		*c = capacity{mean: k, deviation: 0.4, at: now}
		return
	}
	const alpha = 0.05
	c.mean += (k - c.mean) * alpha
	err := c.mean - k
	norm := max(c.mean, 1)
	c.deviation = min(max((1-alpha)*c.deviation+alpha*err*err/norm, 0.4), 2.5)
	c.at = now
}

// spread is how far from the mean is still the same link.
func (c *capacity) spread() float64 { return 3*math.Sqrt(c.deviation*c.mean) + 0.05*c.mean }

func (c *capacity) known(now time.Duration) bool { return c.mean > 0 && now-c.at <= capacityKept }

// near says whether a rate is about what the link carries; below, whether it is clearly less.
func (c *capacity) near(rate Bitrate) bool {
	return float64(rate)/1000 > min(c.mean-c.spread(), 0.9*c.mean)
}

// beyond says that the link turned out to carry more than it did.
func (c *capacity) beyond(rate Bitrate) bool { return float64(rate)/1000 > c.mean+c.spread() }
