package rtp

// OSNLen is the length of the original sequence number at the head of an RTX payload (RFC 4588).
const OSNLen = 2

// OSN reads the original sequence number of an RTX payload. False when the payload is padding: publishers probe with RTX
// packets shorter than 3 bytes, which count for congestion control and are never forwarded.
func OSN(payload []byte) (osn uint16, media []byte, ok bool) {
	if len(payload) < OSNLen+1 {
		return 0, nil, false
	}
	return uint16(payload[0])<<8 | uint16(payload[1]), payload[OSNLen:], true
}

// PutOSN writes the original sequence number to dst[:2].
func PutOSN(dst []byte, osn uint16) {
	_ = dst[1]
	dst[0], dst[1] = byte(osn>>8), byte(osn)
}
