package speaker

import (
	"errors"
	"time"
)

// ErrOptions is an unusable Options.
var ErrOptions = errors.New("speaker: bad options")

// Options of a Selector. Zero values take the defaults in brackets.
type Options struct {
	Slots  int           // audio slots [3]
	Speech uint8         // a level (0 loudest .. 127) below this is speech for sources without a voice flag [50]
	Margin uint8         // dB by which a newcomer must beat someone who is speaking [8]
	Hold   time.Duration // someone silent for less is still speaking (pauses between words) [600 ms]
	Dwell  time.Duration // least time between two changes of the first in Order [1.2 s]
}

// Validate checks the options.
func (o Options) Validate() error {
	if o.Slots < 0 || o.Slots > 32 || o.Speech > 127 || o.Margin > 127 || o.Hold < 0 || o.Dwell < 0 {
		return ErrOptions
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.Slots == 0 {
		o.Slots = 3
	}
	if o.Speech == 0 {
		o.Speech = 50
	}
	if o.Margin == 0 {
		o.Margin = 8
	}
	if o.Hold == 0 {
		o.Hold = 600 * time.Millisecond
	}
	if o.Dwell == 0 {
		o.Dwell = 1200 * time.Millisecond
	}
	return o
}

const (
	// A level this quiet is no speech even with the voice flag: some clients leave the flag on.
	inaudible = 90
	// A packet this much louder than its source was lately is the onset of something; the voice flag comes 20-40 ms later,
	// which would clip the first syllable.
	onset = 10
	// Who got a slot keeps it at least this long against others who start to speak.
	grace = 300 * time.Millisecond
	// Who got a slot keeps it at least this long against others who are louder.
	tenure = time.Second
	// Who spoke this long in one go counts in Order: shorter is a cough.
	burst = 300 * time.Millisecond
	// The average forgets by 1/smooth per packet, about a third of a second.
	smooth = 16
	// The average has this many steps per dB.
	fine = 16
)

type source struct {
	id       uint32
	slot     int
	took     time.Duration // when it got its slot
	heard    bool          // has ever spoken
	speech   time.Duration // last packet with speech
	began    time.Duration // start of the present burst of speech
	promoted bool          // this burst was counted in Order
	usesFlag bool          // has ever set the voice flag
	loudness int           // average of 127 - level, in 1/fine dB
	floor    noiseFloor
}

// Selector is the state of one room. Not for concurrent use. Sources are non-zero ids, such as CSRC source ids.
// Memory is one small record per source between its first packet and Remove.
type Selector struct {
	o       Options
	slots   []*source
	sources map[uint32]*source

	order   []uint32
	version uint64
	front   time.Duration // when the first in order last changed
}

// New makes a selector.
func New(o Options) (*Selector, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	return &Selector{o: o, slots: make([]*source, o.Slots), sources: map[uint32]*source{}}, nil
}

// Packet takes the level of one audio packet and says which slot forwards it, -1 for none. took is true when this
// packet gave the slot to the source: forward this very packet as the first.
func (s *Selector) Packet(id uint32, level uint8, voice bool, now time.Duration) (slot int, took bool) {
	if id == 0 {
		return -1, false
	}
	src := s.sources[id]
	if src == nil {
		src = &source{id: id, slot: -1}
		s.sources[id] = src
	}
	level = min(level, 127)
	loud := int(127-level) * fine
	starts := level < s.o.Speech && loud >= src.loudness+onset*fine
	s.note(src, level, voice, now)
	src.loudness += (loud - src.loudness) / smooth
	s.rank(src, now)
	if src.slot >= 0 {
		return src.slot, false
	}
	starts = starts || src.heard && src.speech == now
	slot = s.choose(src, starts, now)
	if slot < 0 {
		return -1, false
	}
	if old := s.slots[slot]; old != nil {
		old.slot = -1
	}
	s.slots[slot] = src
	src.slot, src.took = slot, now
	if !starts { // a free slot taken in silence is given up at once
		src.took = now - tenure
	}
	return slot, true
}

// note decides whether the packet is speech. A source that uses the voice flag is believed; others are judged by level. But
// steady noise is no speech, whatever the flag says: browsers set it for a fan.
func (s *Selector) note(src *source, level uint8, voice bool, now time.Duration) {
	src.usesFlag = src.usesFlag || voice
	above := src.floor.packet(int(127-level) * fine)
	speech := voice && level < inaudible || !src.usesFlag && level < s.o.Speech
	if !speech || !above {
		return
	}
	if !src.heard || now-src.speech >= s.o.Hold {
		src.began, src.promoted = now, false
	}
	src.heard, src.speech = true, now
}

// speaking says whether the source spoke just now, or paused for less than the hold.
func (s *Selector) speaking(src *source, now time.Duration) bool {
	return src.heard && now-src.speech < s.o.Hold
}

// choose finds a slot for a source that has none: a free one for anybody; the one silent for longest for somebody who
// starts; the quietest speaker's for somebody clearly louder who has been speaking for a while.
func (s *Selector) choose(src *source, starts bool, now time.Duration) int {
	silent, quiet := -1, -1
	for i, o := range s.slots {
		if o == nil {
			return i
		}
		switch {
		case !s.speaking(o, now):
			if now-o.took >= grace && (silent < 0 || spoke(o) < spoke(s.slots[silent])) {
				silent = i
			}
		case now-o.took >= tenure && (quiet < 0 || o.loudness < s.slots[quiet].loudness):
			quiet = i
		}
	}
	if !starts {
		return -1
	}
	if silent >= 0 {
		return silent
	}
	if quiet >= 0 && s.speaking(src, now) && now-src.began >= burst/2 &&
		src.loudness > s.slots[quiet].loudness+int(s.o.Margin)*fine {
		return quiet
	}
	return -1
}

// spoke is when the source last spoke, or got its slot if it never did.
func spoke(src *source) time.Duration {
	if !src.heard {
		return src.took - time.Hour
	}
	return src.speech
}

// Remove forgets a source that left, was muted or lost its right to speak: its slot is free at once. It returns that
// slot, -1 if it had none.
func (s *Selector) Remove(id uint32) (slot int) {
	src := s.sources[id]
	if src == nil {
		return -1
	}
	delete(s.sources, id)
	s.unrank(id)
	if src.slot >= 0 {
		s.slots[src.slot] = nil
	}
	return src.slot
}

// Slot is the occupant of slot i, 0 for none.
func (s *Selector) Slot(i int) uint32 {
	if i < 0 || i >= len(s.slots) || s.slots[i] == nil {
		return 0
	}
	return s.slots[i].id
}

// SlotOf is the slot of a source, -1 for none.
func (s *Selector) SlotOf(id uint32) int {
	if src := s.sources[id]; src != nil {
		return src.slot
	}
	return -1
}
