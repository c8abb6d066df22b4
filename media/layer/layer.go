package layer

import "time"

// MaxLayers is the number of simulcast layers of one source.
const MaxLayers = 4

// Alive is how long after its last packet a layer may still be chosen.
const Alive = time.Second

// A publisher whose line became thin stops its highest layer first, without a word. When lower ones went on for
// endedPictures meanwhile, it has ended, though not before endedLeast and endedBeats times its usual distance of pictures.
const (
	endedPictures = 6
	endedLeast    = 300 * time.Millisecond
	endedBeats    = 3
)

type observed struct {
	seen          bool
	last          time.Duration
	began         time.Duration // its last picture
	beat          time.Duration // between pictures, averaged
	behind        int           // pictures of lower layers since
	width, height uint16
	meter         meter
	usual         usual
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
	l.usual.sample(&l.meter, now)
}

// Begins takes note of the first packet of a picture of layer i.
func (s *Set) Begins(i int, now time.Duration) {
	if i < 0 || i >= MaxLayers {
		return
	}
	l := &s.layers[i]
	switch since := now - l.began; {
	case l.began == 0 || since > Alive: // it begins, or begins again
		l.beat = 0
	case l.beat == 0:
		l.beat = since
	default:
		l.beat += (since - l.beat) / 8
	}
	l.began, l.behind = now, 0
	for j := i + 1; j < MaxLayers; j++ {
		s.layers[j].behind++
	}
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

// Alive says whether layer i had a packet within the last second, and lower ones did not go on without it.
func (s *Set) Alive(i int, now time.Duration) bool {
	if i < 0 || i >= MaxLayers || !s.layers[i].seen {
		return false
	}
	l := &s.layers[i]
	since := now - l.last
	return since <= Alive && (l.behind < endedPictures || since < max(endedLeast, endedBeats*l.beat))
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
