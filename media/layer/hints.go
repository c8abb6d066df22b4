package layer

import "time"

// Linger is how long an unwatched layer stays wanted: people come back, and turning a layer on costs a key frame.
const Linger = 4 * time.Second

// Hints tells which layers of one source somebody watches. The lowest is always wanted; the others for a linger time
// after the last watcher went. The first answer is always news: what a publisher starts with is its own affair. The
// zero value is ready. Not for concurrent use.
type Hints struct {
	told     uint8 // 0: nothing yet
	watchers [MaxLayers]int
	until    [MaxLayers]time.Duration
}

// Watch says that layer i has a watcher more or less (delta +1, -1).
func (h *Hints) Watch(i, delta int, now time.Duration) {
	if i < 0 || i >= MaxLayers {
		return
	}
	h.watchers[i] = max(h.watchers[i]+delta, 0)
	if h.watchers[i] == 0 {
		h.until[i] = max(h.until[i], now+Linger)
	}
}

// On says whether the publisher sends layer i as far as it was told.
func (h *Hints) On(i int) bool {
	return i >= 0 && i < MaxLayers && (h.told == 0 || h.told&(1<<i) != 0)
}

// Wanted gives the layers that should be on, as a bit mask, and whether it differs from the last call's (from all layers
// at the first). A publisher starts with all of its layers on.
func (h *Hints) Wanted(now time.Duration) (mask uint8, changed bool) {
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
