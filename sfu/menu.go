package sfu

import (
	"time"

	"incamera/media/allot"
	"incamera/media/layer"
)

// menuFor is how long a list of ways is good: many receivers look at one source in one tick.
const menuFor = 20 * time.Millisecond

// begins is the time within which a stream shows all the layers it has.
const begins = 300 * time.Millisecond

// menu is the ways in which a source can be shown, and those in which it could be if its publisher sent more. Both lists
// run alike, from the cheapest up.
type menu struct {
	made    bool
	at      time.Duration
	ways    []point
	points  []allot.Point
	living  []point // scratch
	missing []point // scratch
	sent    int     // how many are not off
}

// offers lists the ways of now.
func (src *Source) offers() *menu {
	m, now := &src.menu, src.peer.shard.now
	if m.made && now-m.at < menuFor {
		return m
	}
	m.made, m.at = true, now
	m.ways, m.points, m.sent = m.ways[:0], m.points[:0], 0
	m.living = src.points(m.living[:0], now)
	k := 0
	for i, l := range src.layers {
		listed := false
		stopped := len(src.rids) > 0 && !src.hints.On(i) // it ends any moment, if it has not yet
		for ; k < len(m.living) && m.living[k].layer == l; k++ {
			if stopped {
				continue
			}
			pt := m.living[k]
			pt.bitrate = src.steady(i, pt.bitrate, now)
			m.add(pt, false)
			listed = true
		}
		if listed {
			m.missing = l.off(m.missing[:0], now)
			for _, pt := range m.missing {
				m.add(pt, true)
			}
		}
		if !listed {
			off := whole(l)
			off.bitrate = src.set.Expect(i, now)
			m.add(off, true)
		}
	}
	return m
}

// steady is the cost of a part of layer i that was just measured, with the layer's usual cost in mind. What pauses for a
// moment, or was switched off a moment ago, is not cheap for that.
func (src *Source) steady(i int, part layer.Bitrate, now time.Duration) layer.Bitrate {
	usual, measured := src.set.Usual(i), src.set.Bitrate(i, now)
	switch {
	case usual <= measured:
		return part
	case measured <= 0:
		return usual
	}
	return part * usual / measured
}

func (m *menu) add(pt point, off bool) {
	p := allot.Point{Bitrate: pt.bitrate, Width: pt.width, Height: pt.height, Off: off}
	if p.Width == 0 || p.Height == 0 {
		i := pt.layer.index
		if pt.spatial != everything {
			i += int(pt.spatial)
		}
		p.Width, p.Height = pt.layer.source.set.Picture(i)
	}
	if n := len(m.ways); n > 0 {
		p.Spatial = m.points[n-1].Spatial
		if last := &m.ways[n-1]; last.layer != pt.layer || last.spatial != pt.spatial {
			p.Spatial++
		}
	}
	if !off {
		m.sent++
	}
	m.ways, m.points = append(m.ways, pt), append(m.points, p)
}

// find is the place of a point, or of the best below it in its stream; allot.None when there is none any more.
func (m *menu) find(pt point) int {
	at := allot.None
	for i := range m.ways {
		if w := &m.ways[i]; w.layer == pt.layer && w.spatial <= pt.spatial && w.temporal <= pt.temporal {
			at = i
		}
	}
	return at
}

// aim is what to forward for a place in the list. The most frames of a size are all frames, also those of temporal layers
// that come later; and the largest size is all sizes while the stream begins, for they come one after the other.
func (m *menu) aim(i int, limited bool, now time.Duration) point {
	pt := m.ways[i]
	last := i+1 == len(m.ways) || m.ways[i+1].layer != pt.layer || m.points[i+1].Off
	if last || m.ways[i+1].spatial != pt.spatial {
		pt.temporal = everything
	}
	if last && (!limited || now-pt.layer.opened < begins) {
		pt.spatial = everything
	}
	return pt
}

// decodable says whether the receiver can decode what the source sends.
func (m *menu) decodable(p *Peer) bool {
	for i := range m.ways {
		if !m.points[i].Off {
			return p.ptOf[m.ways[i].layer.codec] != 0
		}
	}
	return true
}
