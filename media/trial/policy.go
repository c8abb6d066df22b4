package trial

import (
	"time"

	"incamera/media/layer"
)

// policy is a simple allocation: every slot its lowest layer, then up in turns; up only when it fits with a margin for a
// while, down at once.
type policy struct {
	fitsSince []time.Duration // by slot: since when the next layer fits, 0: it does not
	lowered   []time.Duration
	Paused    []bool
	changes   int
}

const (
	upAfter    = 500 * time.Millisecond
	upMargin   = 110 // percent
	stayMargin = 108
)

func (p *policy) choose(n *node) {
	if p.fitsSince == nil {
		p.fitsSince = make([]time.Duration, len(n.downs))
		p.lowered = make([]time.Duration, len(n.downs))
		p.Paused = make([]bool, len(n.downs))
	}
	var want layer.Bitrate
	for _, d := range n.downs {
		top := len(d.camera.streams) - 1
		rate := d.camera.set.Bitrate(top, n.now)
		if rate == 0 {
			rate = d.camera.streams[top].rate
		}
		want += rate * 11 / 10
	}
	n.flow.Want(want)

	budget := n.flow.Budget(n.now)
	levels := make([]int, len(n.downs))
	used := layer.Bitrate(0)
	for i := range levels {
		levels[i] = -1
	}
	for round := range 3 {
		for i, d := range n.downs {
			if round >= len(d.camera.streams) || levels[i] != round-1 {
				continue
			}
			rate := d.camera.set.Bitrate(round, n.now)
			if rate == 0 {
				rate = d.camera.streams[round].rate
			}
			if round > 0 {
				rate -= min(rate, d.camera.set.Bitrate(round-1, n.now))
			}
			have := max(d.level, d.wants)
			margin := layer.Bitrate(upMargin)
			if round <= have {
				margin = 100 * 100 / stayMargin
			}
			if (used+rate)*margin/100 > budget {
				if round > have {
					p.fitsSince[i] = 0
				}
				continue
			}
			if round > have {
				if p.fitsSince[i] == 0 {
					p.fitsSince[i] = n.now
				}
				wait := upAfter
				if n.now < 2*time.Second {
					wait = 0
				}
				if n.now-p.fitsSince[i] < wait {
					continue
				}
				p.fitsSince[i] = 0
			}
			used += rate
			levels[i] = round
		}
	}
	for i, d := range n.downs {
		n.seek(d, levels[i])
		p.Paused[i] = levels[i] < 0
	}
}

// seek goes for a layer.
func (n *node) seek(d *down, level int) {
	switch {
	case level < 0:
		d.layer, d.want, d.level, d.wants, d.behind = nil, nil, -1, -1, 0
	case d.level == level && d.layer != nil:
		if d.wants != level {
			d.want, d.wants = nil, level
		}
	case d.wants != level || d.want == nil:
		d.want, d.wants = d.camera.streams[level], level
		d.want.ask(n.now)
		d.askedAt = n.now
	}
}
