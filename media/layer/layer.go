package layer

import "time"

// MaxLayers is the number of simulcast layers of one source.
const MaxLayers = 4

// Alive is how long after its last packet a layer may still be chosen.
const Alive = time.Second

type observed struct {
	seen          bool
	last          time.Duration
	width, height uint16
	meter         meter
}

// Set is what was observed of one source's layers, lowest first. The zero value is ready. Not for concurrent use.
type Set struct {
	layers [MaxLayers]observed
}

// Packet takes note of a packet of layer i.
func (s *Set) Packet(i, bytes int, now time.Duration) {
	if i < 0 || i >= MaxLayers {
		return
	}
	l := &s.layers[i]
	l.seen, l.last = true, now
	l.meter.add(bytes, now)
}

// Size takes note of a layer's picture size (from a key frame, or from signaling). Zeros are ignored.
func (s *Set) Size(i int, width, height uint16) {
	if i < 0 || i >= MaxLayers || width == 0 || height == 0 {
		return
	}
	s.layers[i].width, s.layers[i].height = width, height
}

// Resolution is the size of layer i's picture as observed; zeros when it is not known yet.
func (s *Set) Resolution(i int) (width, height uint16) {
	if i < 0 || i >= MaxLayers {
		return 0, 0
	}
	return s.layers[i].width, s.layers[i].height
}

// Bitrate is what layer i carried over the last second or so.
func (s *Set) Bitrate(i int, now time.Duration) Bitrate {
	if i < 0 || i >= MaxLayers {
		return 0
	}
	return s.layers[i].meter.rate(now)
}

// Alive says whether layer i had a packet within the last second.
func (s *Set) Alive(i int, now time.Duration) bool {
	return i >= 0 && i < MaxLayers && s.layers[i].seen && now-s.layers[i].last <= Alive
}

// Wish is what a receiver wants of a source.
type Wish struct {
	Width, Height uint16  // of the element that shows it; 0: no limit
	Max           Bitrate // what the receiver's network allows for this source; 0: no limit
}

// A layer covers an element when it is enlarged by no more than this, in percent. The layer that is shown may be enlarged
// a little more before a larger one is taken, and a smaller one must do without any enlargement: else an element
// at the border would switch to and fro.
const (
	enlarge     = 115
	enlargeKept = 130
	enlargeDown = 100
)

// Choose picks the layer: the smallest that covers the wish, or the largest there is, within Max; the lowest living one
// when none fits. current (-1: none) stays when it is about as good, so a small change of the element does not switch.
// -1: no layer is alive. A layer without a packet in the last second is never chosen.
func (s *Set) Choose(w Wish, current int, now time.Duration) int {
	best, lowest := -1, -1
	for i := range MaxLayers {
		if !s.Alive(i, now) {
			continue
		}
		if lowest < 0 {
			lowest = i
		}
		if w.Max > 0 && !s.fits(i, w.Max, current, now) {
			continue
		}
		best = i
		limit := uint32(enlarge)
		switch {
		case i == current:
			limit = enlargeKept
		case i < current && s.Alive(current, now):
			limit = enlargeDown
		}
		if s.covers(i, w, limit) {
			break
		}
	}
	if best < 0 {
		return lowest
	}
	return best
}

// Want is the layer of the first n that the wish asks for, alive or not: what to watch in Hints, so that the publisher
// turns it on.
func (s *Set) Want(w Wish, n int) int {
	n = min(n, MaxLayers)
	for i := range n - 1 {
		if s.covers(i, w, enlarge) {
			return i
		}
	}
	return n - 1
}

// fits says whether the layer's bitrate is within limit; the current layer may exceed it by a tenth.
func (s *Set) fits(i int, limit Bitrate, current int, now time.Duration) bool {
	if i == current {
		limit += limit / 10
	}
	return s.Bitrate(i, now) <= limit
}

// covers says whether layer i, fitted into the wish, is enlarged to at most percent of its size.
func (s *Set) covers(i int, w Wish, percent uint32) bool {
	if w.Width == 0 && w.Height == 0 {
		return false
	}
	width, height := s.size(i)
	return coversAt(width, height, w, percent)
}

// Covers says whether a picture of this size, fitted into the wish, is not enlarged more than people accept.
func Covers(width, height uint16, w Wish) bool {
	return coversAt(uint32(width), uint32(height), w, enlarge)
}

func coversAt(width, height uint32, w Wish, percent uint32) bool {
	return w.Width != 0 && uint32(w.Width)*100 <= width*percent ||
		w.Height != 0 && uint32(w.Height)*100 <= height*percent
}

// size is the layer's size, guessed from the nearest known one (each layer doubles the one below), else as of a camera
// with 1280x720 in layer 2.
func (s *Set) size(i int) (width, height uint32) {
	known, shift := -1, 0
	for d := range MaxLayers {
		if i-d >= 0 && s.layers[i-d].width != 0 {
			known, shift = i-d, d
			break
		}
		if i+d < MaxLayers && s.layers[i+d].width != 0 {
			known, shift = i+d, -d
			break
		}
	}
	width, height = 1280, 720
	if known >= 0 {
		width, height = uint32(s.layers[known].width), uint32(s.layers[known].height)
	} else {
		shift = i - 2
	}
	if shift >= 0 {
		return width << shift, height << shift
	}
	return width >> -shift, height >> -shift
}
