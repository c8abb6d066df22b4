package layer

import "time"

// settled is how long a layer must have been sending before its bitrate says what it usually costs.
const settled = time.Second

// usual is what a layer costs when it is on, remembered while it is off.
type usual struct {
	rate Bitrate
	last int64 // bucket of the last sample
}

// sample averages the measured bitrate over about a second, ten times a second while packets come.
func (u *usual) sample(m *meter, now time.Duration) {
	if m.index == u.last || now-m.began < settled {
		return
	}
	u.last = m.index
	rate := m.rate(now)
	if u.rate == 0 {
		u.rate = rate
	}
	u.rate += (rate - u.rate) / 8
}

// What a layer would cost that was never seen, on the low side: one that turns out dearer is known from then on, but one
// that is taken for dear is never asked for.
const (
	bitsPerPixel = 13 // tenths of a bit/s
	perDoubling  = 25 // tenths of the cost of the layer below, which has a quarter of the pixels
)

// forget is how long it takes until half of the cost of a layer that is off is forgotten: it may be cheaper by now.
const forget = 10 * time.Minute

// Usual is what layer i costs on average while it is sent, 0: not known yet.
func (s *Set) Usual(i int) Bitrate {
	if i < 0 || i >= MaxLayers {
		return 0
	}
	return s.layers[i].usual.rate
}

// Expect is what layer i, which is off, would cost if it were sent.
func (s *Set) Expect(i int, now time.Duration) Bitrate {
	if i < 0 || i >= MaxLayers {
		return 0
	}
	if rate := s.Usual(i); rate > 0 {
		off := max(min(now-s.layers[i].last, forget), 0)
		return rate - rate*Bitrate(off/time.Second)/(2*Bitrate(forget/time.Second))
	}
	for k := i - 1; k >= 0; k-- {
		if rate := s.Usual(k); rate > 0 {
			for range i - k {
				rate = rate * perDoubling / 10
			}
			return rate
		}
	}
	width, height := s.size(i)
	return expectAt(width, height)
}

// ExpectSize is what a picture of this size costs.
func ExpectSize(width, height uint16) Bitrate { return expectAt(uint32(width), uint32(height)) }

func expectAt(width, height uint32) Bitrate {
	return Bitrate(width) * Bitrate(height) * bitsPerPixel / 10
}

// Picture is layer i's size, guessed from its neighbours while it is not known.
func (s *Set) Picture(i int) (width, height uint16) {
	if i < 0 || i >= MaxLayers {
		return 0, 0
	}
	w, h := s.size(i)
	return uint16(min(w, 1<<16-1)), uint16(min(h, 1<<16-1))
}
