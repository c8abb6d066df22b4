package sfu

import (
	"slices"

	"incamera/cluster/noderpc"
	"incamera/media/speaker"
)

// hearing is what a part of a room knows of who speaks.
type hearing struct {
	loud, wider *speaker.Selector
	voices      map[uint32]voice
	last        []*noderpc.Speaker
}

// heard copies what is known, nil when nobody has been heard.
func (r *Room) heard() *hearing {
	if len(r.voices) == 0 {
		return nil
	}
	h := &hearing{loud: r.loud.Clone(), wider: r.wider.Clone(), voices: map[uint32]voice{}, last: slices.Clone(r.lastSpoken)}
	for id, v := range r.voices {
		h.voices[id] = *v
	}
	return h
}

// hear makes a part that has heard nobody know what another part knows. From then on both hear the same packets.
func (r *Room) hear(h *hearing) {
	if h == nil || len(r.voices) > 0 {
		return
	}
	r.loud, r.wider, r.lastSpoken = h.loud, h.wider, h.last
	for id, v := range h.voices {
		r.voices[id] = &v
	}
	r.changed()
}
