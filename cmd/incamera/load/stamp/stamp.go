package stamp

import "encoding/binary"

// Len is the length of a mark in bytes.
const Len = 16

const magic = 0x1ca3e7a

// Put writes a mark over the last Len bytes of payload.
func Put(payload []byte, layer uint8, at int64) {
	b := payload[len(payload)-Len:]
	binary.BigEndian.PutUint32(b, magic<<4)
	b[4], b[5], b[6], b[7] = layer, 0, 0, 0
	binary.BigEndian.PutUint64(b[8:], uint64(at))
}

// Get finds the mark at the end of payload: when it was written (ns since 1970), for which layer.
func Get(payload []byte) (layer uint8, at int64, ok bool) {
	if len(payload) < Len {
		return 0, 0, false
	}
	b := payload[len(payload)-Len:]
	if binary.BigEndian.Uint32(b) != magic<<4 || b[5] != 0 || b[6] != 0 || b[7] != 0 {
		return 0, 0, false
	}
	return b[4], int64(binary.BigEndian.Uint64(b[8:])), true
}
