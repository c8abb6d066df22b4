package svc

import "incamera/media/codec"

// Everything is a layer above all that exist.
const Everything = 7

// kept is how many changes are remembered, for late packets and retransmissions.
const kept = 16

// Layer is a point in a layered stream: all spatial and temporal layers up to this one.
type Layer struct{ Spatial, Temporal uint8 }

// mark says which layer holds from a picture on.
type mark struct {
	valid bool
	epoch uint16
	ts    uint32
	layer Layer
}

// Selector is the choice for one receiver. It works in pictures: all packets of one timestamp are judged alike, also
// those that come late or again. Not for concurrent use.
//
//   - Down, spatial or temporal: with the next picture.
//   - Up, spatial: with the next key picture; until then Waits says that one is needed.
//   - Up, temporal: where the stream opens higher layers, or with a frame that refers to the lowest layer only.
type Selector struct {
	want    Layer
	now     Layer // of the newest picture
	begun   bool
	epoch   uint16
	ts      uint32 // of the newest picture
	open    bool   // the pictures since opened the higher temporal layers, and none of those was left out
	marks   [kept]mark
	newMark int
}

// Aim says what the receiver should get.
func (s *Selector) Aim(want Layer) { s.want = want }

// Want is what Aim said.
func (s *Selector) Want() Layer { return s.want }

// Now is what the newest picture was cut to.
func (s *Selector) Now() Layer { return s.now }

// Switch says that packets of epoch (rewrite.Stream.Epoch) come from another place: it begins with a key picture.
func (s *Selector) Switch(epoch uint16) { s.epoch, s.begun = epoch, false }

// Waits says that the wish cannot be fulfilled before a key picture comes. top is the highest spatial layer alive.
func (s *Selector) Waits(top uint8) bool {
	return s.begun && min(s.want.Spatial, top) > s.now.Spatial
}

// Take judges a packet of the current epoch: whether it is forwarded, and with which marker.
func (s *Selector) Take(f *codec.Facts, ts uint32, marker bool) (forward, mark bool) {
	switch {
	case !s.begun:
		s.begun, s.ts, s.open = true, ts, false
		s.change(s.want)
	case int32(ts-s.ts) > 0:
		s.ts = ts
		s.picture(f)
	}
	forward, mark = s.Again(s.epoch, f, ts, marker)
	if ts == s.ts && f.FrameStart && f.SID == 0 {
		if forward {
			s.open = s.open || f.Opens
		} else {
			s.open = false
		}
	}
	return forward, mark
}

// picture decides what the picture that begins with this packet is cut to.
func (s *Selector) picture(f *codec.Facts) {
	next := s.now
	if f.KeyStart {
		next = s.want
	}
	next.Spatial = min(next.Spatial, s.want.Spatial)
	if s.want.Temporal <= next.Temporal {
		next.Temporal = s.want.Temporal
	} else if s.open {
		next.Temporal = s.want.Temporal
	} else if f.SwitchUp && f.TID > next.Temporal && f.TID <= s.want.Temporal {
		next.Temporal = f.TID
	}
	if next != s.now {
		s.change(next)
	}
}

func (s *Selector) change(to Layer) {
	s.now = to
	s.marks[s.newMark] = mark{valid: true, epoch: s.epoch, ts: s.ts, layer: to}
	s.newMark = (s.newMark + 1) % kept
}

// Again judges a packet of any epoch that is remembered, as Take did or would have done in time.
func (s *Selector) Again(epoch uint16, f *codec.Facts, ts uint32, marker bool) (forward, mark bool) {
	for i := 1; i <= kept; i++ {
		m := &s.marks[(s.newMark-i+kept)%kept]
		if !m.valid {
			break
		}
		if m.epoch == epoch && int32(ts-m.ts) >= 0 {
			return f.SID <= m.layer.Spatial && f.TID <= m.layer.Temporal,
				marker || f.FrameEnd && f.SID == m.layer.Spatial
		}
	}
	return false, marker
}
