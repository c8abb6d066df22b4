package layer

import "time"

// MaxLayers is the number of simulcast layers of one source.
const MaxLayers = 4

// Alive is how long after its last packet a layer may still be chosen.
const Alive = time.Second

// Bitrate is in bit/s.
type Bitrate int64

// Set is what was observed of one source's layers, lowest first. The zero value is ready. Not for concurrent use.
type Set struct {
}

// Packet takes note of a packet of layer i.
func (s *Set) Packet(i, bytes int, now time.Duration) {}

// Size takes note of a layer's picture size (from a key frame, or from signaling).
func (s *Set) Size(i int, width, height uint16) {}

// Bitrate is what layer i carried over the last second or so.
func (s *Set) Bitrate(i int, now time.Duration) Bitrate { return 0 }

// Alive says whether layer i had a packet within the last second.
func (s *Set) Alive(i int, now time.Duration) bool { return false }

// Wish is what a receiver wants of a source.
type Wish struct {
	Width, Height uint16  // of the element that shows it; 0: no limit
	Max           Bitrate // what the receiver's network allows for this source; 0: no limit
}

// Choose picks the layer: the smallest that covers the wish, or the largest there is, within Max; the lowest living one
// when none fits. current (-1: none) stays when it is about as good, so a small change of the element does not switch.
// -1: no layer is alive.
func (s *Set) Choose(w Wish, current int, now time.Duration) int { return -1 }

// Hints tells which layers of one source somebody watches. The lowest is always wanted; the others for a linger time
// after the last watcher went. The zero value is ready.
type Hints struct {
}

// Linger is how long an unwatched layer stays wanted.
const Linger = 4 * time.Second

// Watch says that layer i has a watcher more or less (delta +1, -1).
func (h *Hints) Watch(i, delta int, now time.Duration) {}

// Wanted gives the layers that should be on, as a bit mask, and whether it differs from the last call's.
func (h *Hints) Wanted(now time.Duration) (mask uint8, changed bool) { return 1, false }
