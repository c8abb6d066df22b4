package speaker

import (
	"slices"
	"time"
)

// Order gives the sources by who spoke last, most recent first; only people who spoke long enough count. The slice
// belongs to the selector and is valid until the next call of Packet or Remove. version changes when the order does.
func (s *Selector) Order() (ids []uint32, version uint64) { return s.order, s.version }

// rank moves a source up once it has spoken long enough: to the first place when that is free, silent or clearly quieter
// and had its dwell time; else to the second, once per burst of speech.
func (s *Selector) rank(src *source, now time.Duration) {
	if !src.heard || src.speech != now || now-src.began < burst {
		return
	}
	at := slices.Index(s.order, src.id)
	switch {
	case at == 0:
		src.promoted = true
	case len(s.order) == 0 || s.mayLead(src, now):
		s.move(src.id, at, 0)
		s.front = now
		src.promoted = true
	case !src.promoted:
		src.promoted = true
		if at != 1 {
			s.move(src.id, at, 1)
		}
	}
}

// mayLead says whether src may take the first place.
func (s *Selector) mayLead(src *source, now time.Duration) bool {
	if now-s.front < s.o.Dwell {
		return false
	}
	first := s.sources[s.order[0]]
	return first == nil || !s.speaking(first, now) || src.loudness > first.loudness+int(s.o.Margin)*fine
}

// move puts id, now at index from (-1: not there yet), to index to.
func (s *Selector) move(id uint32, from, to int) {
	if from >= 0 {
		s.order = slices.Delete(s.order, from, from+1)
	}
	s.order = slices.Insert(s.order, min(to, len(s.order)), id)
	s.version++
}

func (s *Selector) unrank(id uint32) {
	if i := slices.Index(s.order, id); i >= 0 {
		s.order = slices.Delete(s.order, i, i+1)
		s.version++
	}
}

// Place fills the places (0 is empty) with the first of order, keeping everyone who stays where they are; who is not
// among the first any more is cleared. skip is never placed (the viewer). It says whether anything changed.
func Place(places []uint32, order []uint32, skip uint32) bool {
	wanted := order
	n := 0
	for i, id := range order {
		if n == len(places) {
			wanted = order[:i]
			break
		}
		if id != skip {
			n++
		}
	}
	changed := false
	for i, id := range places {
		if id != 0 && (id == skip || !slices.Contains(wanted, id)) {
			places[i] = 0
			changed = true
		}
	}
	for _, id := range wanted {
		if id == skip || id == 0 || slices.Contains(places, id) {
			continue
		}
		if i := slices.Index(places, 0); i >= 0 {
			places[i] = id
			changed = true
		}
	}
	return changed
}
