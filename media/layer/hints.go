package layer

import "time"

// Linger is how long an unwatched layer stays wanted: people come back, and turning a layer on costs a key frame.
const Linger = 4 * time.Second

const allLayers = 1<<MaxLayers - 1

// Hints tells which layers of one source somebody watches. The lowest is always wanted; the others for a linger time
// after the last watcher went, or after the first call. The zero value is ready. Not for concurrent use.
type Hints struct {
	started  bool
	told     uint8
	watchers [MaxLayers]int
	until    [MaxLayers]time.Duration
}

func (h *Hints) start(now time.Duration) {
	if h.started {
		return
	}
	h.started, h.told = true, allLayers
	for i := range h.until {
		h.until[i] = now + Linger
	}
}

// Watch says that layer i has a watcher more or less (delta +1, -1).
func (h *Hints) Watch(i, delta int, now time.Duration) {
	if i < 0 || i >= MaxLayers {
		return
	}
	h.start(now)
	h.watchers[i] = max(h.watchers[i]+delta, 0)
	if h.watchers[i] == 0 {
		h.until[i] = max(h.until[i], now+Linger)
	}
}

// Wanted gives the layers that should be on, as a bit mask, and whether it differs from the last call's (from all layers
// at the first). A publisher starts with all of its layers on.
func (h *Hints) Wanted(now time.Duration) (mask uint8, changed bool) {
	h.start(now)
	mask = 1
	for i := 1; i < MaxLayers; i++ {
		if h.watchers[i] > 0 || now < h.until[i] {
			mask |= 1 << i
		}
	}
	changed = mask != h.told
	h.told = mask
	return mask, changed
}
