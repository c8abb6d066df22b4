package viewer

import (
	"time"

	"incamera/cmd/incamera/load/peer"
	"incamera/media/nack"
	"incamera/media/report"
	"incamera/media/seq"
)

// stream is one SSRC of a viewer.
type stream struct {
	ssrc   uint32
	ext    seq.Extender
	seen   uint64 // the newest 64 numbers, bit 0 the newest
	begun  bool
	report report.Receiver
	video  bool
	repair bool
	nack   *nack.Generator
	broken bool  // the picture needs a key frame
	pliAt  int64 // the last request for one

	source  uint32 // the CSRC of the last packet
	layer   uint8
	freshAt int64 // marks count from then on
	sample  uint32
}

// settle is how long after a change of source or layer the marks do not count: the server may begin with what it holds
// of a layer since its last key frame.
const settle = int64(500 * time.Millisecond)

// kinds of a payload type; every offer uses the same.
func kinds(pt uint8) (video, repair, known bool) {
	switch pt {
	case peer.PTOpus:
		return false, false, true
	case peer.PTVP8, peer.PTVP9:
		return true, false, true
	case peer.PTVP8RTX, peer.PTVP9RTX:
		return true, true, true
	}
	return false, false, false
}

// number takes note of a sequence number: how many are newly missing (below zero: one was late), and whether it is news.
func (s *stream) number(n uint16) (ext seq.Ext, missing int64, fresh bool) {
	if !s.begun {
		s.begun, s.seen = true, 1
		return s.ext.Extend(n), 0, true
	}
	high := s.ext.Highest()
	ext = s.ext.Extend(n)
	if ext > high {
		gap := uint64(ext - high)
		if s.seen <<= gap; gap >= 64 {
			s.seen = 0
		}
		s.seen |= 1
		return ext, int64(gap) - 1, true
	}
	back := uint64(high - ext)
	if back >= 64 || s.seen&(1<<back) != 0 {
		return ext, 0, false // too late to tell, or twice
	}
	s.seen |= 1 << back
	return ext, -1, true
}
