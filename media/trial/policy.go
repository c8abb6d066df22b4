package trial

import (
	"incamera/media/allot"
	"incamera/media/layer"
)

// policy divides the estimate among the slots as a node does.
type policy struct {
	memory allot.Memory
	slots  []allot.Slot
	paused []bool
}

func (p *policy) choose(n *node) {
	if p.slots == nil {
		p.slots = make([]allot.Slot, len(n.downs))
		p.paused = make([]bool, len(n.downs))
	}
	for i, d := range n.downs {
		s := &p.slots[i]
		s.Source, s.Width, s.Height = uint64(i+1), 1280, 720
		s.Points = s.Points[:0]
		for l, st := range d.camera.streams {
			rate := d.camera.set.Bitrate(l, n.now)
			if rate == 0 {
				rate = st.rate
			}
			width, height := d.camera.set.Resolution(l)
			s.Points = append(s.Points, allot.Point{Bitrate: rate, Width: width, Height: height, Spatial: uint8(l)})
		}
		s.Current = max(d.wants, d.level)
		if d.want == nil && d.layer != nil { // else what waited too long was given up, and is shown anew
			s.Current = d.level
		}
	}
	p.memory.Allot(n.flow.Budget(n.now), p.slots, n.now)
	var wants layer.Bitrate
	for i := range p.slots {
		if s := &p.slots[i]; s.Need != allot.None {
			wants += s.Points[s.Need].Bitrate
		}
	}
	n.flow.Want(wants * 3 / 2)
	n.flow.Floor(allot.Floor(p.slots))
	for i, d := range n.downs {
		p.paused[i] = p.slots[i].Paused
		n.seek(d, p.slots[i].Target)
	}
}

// seek goes for a layer.
func (n *node) seek(d *down, level int) {
	d.opened = d.opened && n.flow.Full()
	switch {
	case level >= 0 && d.opened && d.layer == nil && d.want == nil:
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
