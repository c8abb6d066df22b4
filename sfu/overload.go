package sfu

import (
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/allot"
)

// A shard that is too busy sends less video before it sends any sound late: first the largest pictures shrink, then all,
// then those whom nobody chose and who do not speak pause, and at last all. A second of too much is one step; steps back
// come slower, and only when there is room for what comes with them.

// Steps of shedding.
const (
	shedNothing   = iota
	shedTop                         // no picture in its largest size
	shedToLowest                    // every picture in its smallest size
	shedOthers                      // besides, only who speaks, screens, and what the viewer chose
	shedPictures                    // none at all
	shedBackAfter = 5 * time.Second // below the limit by shedRoom
	shedRoom      = 200             // permill
	shedPatience  = 2               // measurements in a row, of a second each
)

// overload is how much a shard sheds. Owned by its loop, but for the level that metrics read.
type overload struct {
	level  int
	over   int           // measurements in a row above the limit
	calmAt time.Duration // since when the load has been well below it, 0: it is not
}

// measured takes the load of the last second and says whether more or less is to be shed.
func (o *overload) measured(permill, limit uint32, now time.Duration) (changed bool) {
	switch {
	case permill >= limit:
		o.calmAt = 0
		if o.over++; o.over >= shedPatience && o.level < shedPictures {
			o.level++
			return true
		}
	case permill+shedRoom <= limit:
		o.over = 0
		switch {
		case o.level == shedNothing:
		case o.calmAt == 0:
			o.calmAt = now
		case now-o.calmAt >= shedBackAfter:
			o.level--
			o.calmAt = now
			return true
		}
	default:
		o.over, o.calmAt = 0, 0
	}
	return false
}

// weigh looks at the load that was just measured.
func (s *Shard) weigh(permill uint32) {
	was := s.overload.level
	if !s.overload.measured(permill, uint32(s.node.opts.ShedLoad), s.now) {
		return
	}
	s.counts.shedLevel.Store(int64(s.overload.level))
	if s.overload.level > was {
		s.log.Warn("overloaded: less video is sent", "step", s.overload.level, "load_permill", permill)
	} else {
		s.log.Info("less overloaded: more video is sent again", "step", s.overload.level, "load_permill", permill)
	}
	for _, p := range s.peers {
		p.redivide()
	}
}

// shed takes from a slot's choice what the shard is too busy for. It counts each slot that gets less by it.
func (d *Down) shed(s *allot.Slot) {
	level := d.peer.shard.overload.level
	d.withheld = level == shedPictures || level == shedOthers && !s.Pinned && !s.Speaker && !s.Screen
	keep := len(s.Points)
	if keep > 0 && level > shedNothing {
		most := uint8(0)
		if level == shedTop {
			most = max(s.Points[keep-1].Spatial, 1) - 1
		}
		for keep > 1 && s.Points[keep-1].Spatial > most {
			keep--
		}
	}
	less := d.withheld || keep < len(s.Points)
	if less && !d.less {
		d.peer.shard.counts.shedLayers.Add(1)
	}
	d.less = less
	if d.withheld {
		s.Points, s.Current, s.Hidden = nil, allot.None, true
		return
	}
	s.Points = s.Points[:keep]
	// What is sent now and will not be granted any more counts as the best that will: it is no picture that pauses.
	s.Current = min(s.Current, keep-1)
}

// Reasons to refuse a newcomer, as metric labels.
const (
	refusedDraining     = "draining"
	refusedParticipants = "participants"
	refusedRooms        = "rooms"
	refusedLoad         = "load"
)

// full says why the node takes nobody into a room; e is nil when the room does not exist yet. Called with Node.mu held.
func (n *Node) full(e *roomEntry) error {
	why, text := "", ""
	switch {
	case n.closing.Load() || n.draining.Load() && e == nil:
		why, text = refusedDraining, "the node is draining"
	case n.peers >= n.opts.MaxParticipants:
		why, text = refusedParticipants, "the node is full"
	case e == nil && len(n.rooms) >= n.opts.MaxRooms:
		why, text = refusedRooms, "the node has no more rooms"
	case e == nil && n.idlest() >= uint32(n.opts.RefuseLoad):
		why, text = refusedLoad, "the node is too busy for another room"
	default:
		return nil
	}
	n.metrics.refused.WithLabelValues(why).Inc()
	return refuse(noderpc.CodeOverloaded, "%s", text)
}

// idlest is the load of the shard that has the least of it, in permill.
func (n *Node) idlest() uint32 {
	least := uint32(1000)
	for _, s := range n.shards {
		least = min(least, s.load.permill.Load())
	}
	return least
}
