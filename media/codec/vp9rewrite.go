package codec

import (
	"encoding/binary"

	"incamera/media/rewrite"
)

// VP9Map keeps picture id and TL0PICIDX of one slot continuous over source switches. It works in place, on the outgoing
// copy. Pictures and layers that are left out leave their ids free: references count in ids.
type VP9Map struct{ pid, tl0 rewrite.Counter }

// NewVP9Map makes one.
func NewVP9Map() VP9Map {
	return VP9Map{pid: rewrite.Counter{Bits: 15}, tl0: rewrite.Counter{Bits: 8}}
}

// Rewrite changes the payload in place. It is right for fresh packets and for retransmissions (give the epoch of the
// packet's origin). False: the epoch is forgotten, do not send the packet.
func (m *VP9Map) Rewrite(epoch uint16, p []byte) bool {
	if len(p) < 1 {
		return false
	}
	n := 1
	if p[0]&0x80 != 0 {
		if len(p) < 2 {
			return false
		}
		if p[1]&0x80 != 0 {
			if len(p) < 3 {
				return false
			}
			id, ok := m.pid.Map(epoch, binary.BigEndian.Uint16(p[1:])&0x7fff)
			if !ok {
				return false
			}
			binary.BigEndian.PutUint16(p[1:], 0x8000|id)
			n = 3
		} else {
			id, ok := m.pid.Map(epoch, uint16(p[1]))
			if !ok {
				return false
			}
			p[1] = byte(id & 0x7f)
			n = 2
		}
	}
	if p[0]&0x20 == 0 || p[0]&0x10 != 0 { // no layers, or flexible mode, which has no TL0PICIDX
		return true
	}
	if len(p) < n+2 {
		return false
	}
	tl0, ok := m.tl0.Map(epoch, uint16(p[n+1]))
	if ok {
		p[n+1] = byte(tl0)
	}
	return ok
}
