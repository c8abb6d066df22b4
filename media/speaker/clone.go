package speaker

import (
	"maps"
	"slices"
)

// Clone is a selector with the same memory that goes its own way from here on.
func (s *Selector) Clone() *Selector {
	c := &Selector{
		o: s.o, slots: make([]*source, len(s.slots)), sources: maps.Clone(s.sources),
		order: slices.Clone(s.order), version: s.version, front: s.front,
	}
	for id, src := range c.sources {
		own := *src
		c.sources[id] = &own
		if own.slot >= 0 {
			c.slots[own.slot] = &own
		}
	}
	return c
}
