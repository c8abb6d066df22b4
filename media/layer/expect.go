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

// Nominal cost of a picture, per pixel: about what browsers give to a moving camera.
const bitsPerPixel = 5 // halves of a bit/s

// Usual is what layer i costs on average while it is sent, 0: not known yet.
func (s *Set) Usual(i int) Bitrate {
	if i < 0 || i >= MaxLayers {
		return 0
	}
	return s.layers[i].usual.rate
}

// Expect is what layer i would cost if it were sent: what it usually cost, or what a picture of its size does.
func (s *Set) Expect(i int) Bitrate {
	if i < 0 || i >= MaxLayers {
		return 0
	}
	if rate := s.Usual(i); rate > 0 {
		return rate
	}
	width, height := s.size(i)
	return expectAt(width, height)
}

// ExpectSize is what a picture of this size costs.
func ExpectSize(width, height uint16) Bitrate { return expectAt(uint32(width), uint32(height)) }

func expectAt(width, height uint32) Bitrate {
	return Bitrate(width) * Bitrate(height) * bitsPerPixel / 2
}

// Picture is layer i's size, guessed from its neighbours while it is not known.
func (s *Set) Picture(i int) (width, height uint16) {
	if i < 0 || i >= MaxLayers {
		return 0, 0
	}
	w, h := s.size(i)
	return uint16(min(w, 1<<16-1)), uint16(min(h, 1<<16-1))
}
