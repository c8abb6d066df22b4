package allot

import "incamera/media/layer"

// giant is a lowest point that is not meant for slow links, of an encoder with one size. While it does not fit it holds
// nobody up.
const giant layer.Bitrate = 600_000

// plan divides a budget without any memory. It is a function of the wishes, the points and the budget alone, and what it
// gives grows with the budget: among the pictures shown there is one order of steps, and a larger budget goes further
// along it.
//
// First shared screens get their size, for text is of no use in a small one; then every picture its lowest point, in the
// order of importance; then steps up by worth per bit. A picture whose lowest point does not fit leaves what is left to
// the next.
func plan(slots []Slot, order []uint8, mode int, budget layer.Bitrate) {
	rest := budget
	for i := range slots {
		slots[i].level = None
	}
	for _, i := range order {
		if s := &slots[i]; s.Screen {
			rest -= s.legible(mode, rest)
		}
	}
	short := false
	for _, i := range order {
		s := &slots[i]
		c := &s.chains[mode]
		if s.level != None || c.n == 0 {
			continue
		}
		if price := s.price(int(c.index[0])); price <= rest {
			s.level, rest = 0, rest-price
		} else if price < giant {
			short = true // nobody gets a second layer while somebody could nearly have a first one
		}
	}
	for !short {
		s, cost := bestStep(slots, order, mode)
		if s == nil || cost > rest {
			break
		}
		s.level, rest = s.level+1, rest-cost
	}
	for i := range slots {
		s := &slots[i]
		s.next = None
		if s.level != None {
			s.next = int(s.chains[mode].index[s.level])
		}
	}
}

// legible gives a screen the largest size that fits, at the fewest frames per second.
func (s *Slot) legible(mode int, rest layer.Bitrate) layer.Bitrate {
	c := &s.chains[mode]
	for k := c.n - 1; k >= 0; k-- {
		at := s.Points[c.index[k]].Spatial
		for k > 0 && s.Points[c.index[k-1]].Spatial == at {
			k--
		}
		if price := s.price(int(c.index[k])); price <= rest {
			s.level = k
			return price
		}
	}
	return 0
}

// bestStep finds the step up that is worth most per bit; nil when all have what they need.
func bestStep(slots []Slot, order []uint8, mode int) (best *Slot, cost layer.Bitrate) {
	gain := int64(0)
	for _, i := range order {
		s := &slots[i]
		c := &s.chains[mode]
		if s.level == None || s.level+1 >= c.n {
			continue
		}
		from, to := int(c.index[s.level]), int(c.index[s.level+1])
		price := s.price(to) - s.price(from)
		if price <= 0 {
			return s, price
		}
		worth := int64(s.quality[to]-s.quality[from]) * s.weight()
		if best == nil || worth*int64(cost) > gain*int64(price) {
			best, cost, gain = s, price, worth
		}
	}
	return best, cost
}
