package speaker

import "time"

// Options of a Selector. Zero values take the defaults in brackets.
type Options struct {
	Slots  int           // audio slots [3]
	Speech uint8         // a level (0 loudest .. 127) below this is speech when the voice flag is absent [50]
	Margin uint8         // dB by which a newcomer must beat someone who is speaking [8]
	Hold   time.Duration // someone silent for less is still speaking (pauses between words) [600 ms]
	Dwell  time.Duration // least time between two changes of the first in Order [1.2 s]
}

// Validate checks the options.
func (o Options) Validate() error { return nil }

// Selector is the state of one room. Not for concurrent use. Sources are non-zero ids, such as CSRC source ids.
type Selector struct {
}

// New makes a selector.
func New(o Options) (*Selector, error) { return &Selector{}, o.Validate() }

// Packet takes the level of one audio packet and says which slot forwards it, -1 for none. took is true when this
// packet gave the slot to the source: forward this very packet as the first.
func (s *Selector) Packet(id uint32, level uint8, voice bool, now time.Duration) (slot int, took bool) {
	return -1, false
}

// Remove forgets a source that left, was muted or lost its right to speak: its slot is free at once.
func (s *Selector) Remove(id uint32) (slot int) { return -1 }

// Slot is the occupant of slot i, 0 for none.
func (s *Selector) Slot(i int) uint32 { return 0 }

// SlotOf is the slot of a source, -1 for none.
func (s *Selector) SlotOf(id uint32) int { return -1 }

// Order gives the sources by who spoke last, most recent first; only people who spoke long enough count. The slice
// belongs to the selector and is valid until the next call. version changes when the order does.
func (s *Selector) Order(now time.Duration) (ids []uint32, version uint64) { return nil, 0 }

// Place fills the places (0 is empty) with the first of order, keeping everyone who stays where they are. skip is never
// placed (the viewer). It says whether anything changed.
func Place(places []uint32, order []uint32, skip uint32) bool { return false }
