package allot

import (
	"time"

	"incamera/media/layer"
)

// keep starts from what is shown. A picture that is new gets what there is for it at once: nobody has seen it better.
func (m *Memory) keep(slots []Slot) {
	for i := range slots {
		s := &slots[i]
		s.Target = s.current
		if s.fresh {
			if s.Target = s.safe; s.safe == None {
				s.Target = s.want
			}
		}
	}
}

// raise takes the steps up that have been affordable for long enough, the most important first.
func (m *Memory) raise(budget layer.Bitrate, slots []Slot, now time.Duration) {
	may := m.mayRise(budget, now)
	for at, i := range m.order {
		s := &slots[i]
		switch {
		case s.fresh:
			s.rising, s.back = false, false
		case s.current == None:
			s.rising = false
			enough, hold := s.sure, holdBack
			if !s.shown { // it is no coming back, then: the viewer waits for it
				enough, hold = s.safe, holdFirst
			}
			if enough == None {
				s.back = false
				continue
			}
			if !s.back {
				s.back, s.backAt = true, now
			}
			to := int(s.chains[living].index[0])
			if now-s.backAt >= hold && m.reach(slots, at, to, m.room(slots, budget, may), now-s.backAt >= holdInstead) {
				s.back = false
				m.upAt, m.backAt, m.upCost = now, now, total(slots)
			}
		default:
			s.back = false
			if to := s.affordable(now); to > s.current && (m.upAt == 0 || now-m.upAt >= upApart) && m.reach(slots, at, to, m.room(slots, budget, may), false) {
				s.rising = false
				m.upAt, m.upCost = now, total(slots)
			}
		}
	}
}

// affordable is what the picture could have had for the hold time.
func (s *Slot) affordable(now time.Duration) int {
	most := max(s.safe, s.askSafe)
	if most <= s.current {
		s.rising = false
		return None
	}
	if !s.rising {
		s.rising, s.since, s.upTo = true, now, most
	}
	if s.upTo = min(s.upTo, most); now-s.since < holdUp {
		return None
	}
	return s.chains[living].below(min(s.upTo, s.safe))
}

// room is what all may cost after a step. After a mistake that is what they cost now, so that the more important may still
// take what the less important have, or what is clearly less than what failed.
func (m *Memory) room(slots []Slot, budget layer.Bitrate, may bool) layer.Bitrate {
	if may {
		return budget
	}
	return min(budget, max(total(slots), m.failed*surely/100))
}

// reach makes to the target of the slot at a place in the order, at the cost of less important ones where it must. False,
// and nothing changed, when even that does not make room.
func (m *Memory) reach(slots []Slot, at, to int, budget layer.Bitrate, pausing bool) bool {
	s := &slots[m.order[at]]
	room := budget - total(slots) - s.price(to) + s.price(s.Target)
	yields := func(o *Slot) bool { return o.price(o.Target) > o.price(o.safe) && (pausing || o.safe != None) }
	has := room
	for k := len(m.order) - 1; k > at && has < 0; k-- {
		if o := &slots[m.order[k]]; yields(o) {
			has += o.price(o.Target) - o.price(o.safe)
		}
	}
	if has < 0 {
		return false
	}
	for k := len(m.order) - 1; k > at && room < 0; k-- {
		if o := &slots[m.order[k]]; yields(o) {
			room += o.price(o.Target) - o.price(o.safe)
			o.Target = o.safe
		}
	}
	s.Target = to
	return true
}

// lower brings the targets down to the budget: frames first, then sizes, then whole pictures, the least important first. A
// picture pauses only when that is clearly needed, or for good: a pause is worse than some moments of a queue.
func (m *Memory) lower(budget layer.Bitrate, slots []Slot, now time.Duration) {
	sum := total(slots)
	if sum <= budget {
		m.over = false
		return
	}
	if !m.over {
		m.over, m.overAt = true, now
	}
	if sum <= budget*slack/100 && now-m.overAt < graceTime {
		return
	}
	lowered, paused := false, false
	for pass := 0; pass < 4 && sum > budget; pass++ {
		if pass == 3 && smallest(slots) && (sum <= budget*slack/100 || now-m.overAt < patience && sum <= budget*borne(slots)/100) {
			break // no estimate is as exact as a pause is final
		}
		for k := len(m.order) - 1; k >= 0 && sum > budget; k-- {
			s := &slots[m.order[k]]
			to := s.want
			switch {
			case pass == 0:
				to = s.fewerFrames()
			case pass < 3 && to == None:
				to = s.least()
			}
			if pass == 1 && s.want == None || s.price(s.Target) <= s.price(to) {
				continue
			}
			sum += s.price(to) - s.price(s.Target)
			lowered, paused = lowered || !s.fresh, paused || to == None && !s.fresh
			s.Target = to
		}
	}
	if sum <= budget {
		m.over = false
	}
	if lowered {
		m.tookBack(paused, now)
	}
}

// smallest says that nothing can be taken from the pictures but themselves.
func smallest(slots []Slot) bool {
	for i := range slots {
		if s := &slots[i]; s.price(s.Target) > s.price(s.least()) {
			return false
		}
	}
	return true
}

// borne is what is suffered for a while rather than that a picture pauses, in percent of the budget.
func borne(slots []Slot) layer.Bitrate {
	shown := 0
	for i := range slots {
		if slots[i].Target != None {
			shown++
		}
	}
	if shown == 1 {
		return patientLast
	}
	return patient
}

// least is the cheapest point, and never more than the target.
func (s *Slot) least() int {
	if c := &s.chains[living]; c.n > 0 {
		return min(int(c.index[0]), s.Target)
	}
	return s.Target
}

// fewerFrames is the point of the target's size with the frames that the plan has for it, or the fewest.
func (s *Slot) fewerFrames() int {
	if s.Target == None {
		return None
	}
	c := &s.chains[living]
	for k := range c.n {
		if i := int(c.index[k]); i >= s.want && s.Points[i].Spatial == s.Points[s.Target].Spatial {
			return i
		}
	}
	return s.Target
}

// tookBack lengthens the back-off when a step up has to be undone soon after.
func (m *Memory) tookBack(paused bool, now time.Duration) {
	if m.backoff > 0 && now-m.until > forgetAfter {
		m.backoff = 0
	}
	switch {
	case paused && m.backAt != 0 && now-m.backAt < undoneBack:
		m.backoff = max(m.backoff*2, backoffBack)
	case m.upAt != 0 && now-m.upAt < undoneUp:
		m.backoff = max(m.backoff*2, backoffFirst)
	default:
		return
	}
	m.backoff = min(m.backoff, backoffMost)
	m.until, m.failed = now+m.backoff, m.upCost
	m.upAt, m.backAt = 0, 0
}

// finish says what is paused and what publishers are asked for: no more than the link could carry, so that a layer that
// nobody can afford is switched off, and enough that one which became affordable is switched on.
func (m *Memory) finish(slots []Slot) {
	for i := range slots {
		s := &slots[i]
		s.Paused = s.Target == None && s.chains[living].n > 0
		s.shown = s.shown || s.Target != None
		s.paused = s.Paused
		s.Ask = max(min(max(s.ask, s.askSafe), s.asked), min(s.Target, s.Need))
		s.ask = s.Ask
	}
}
