package rtp

import "time"

// LevelByte makes the RFC 6464 byte, ParseLevel reads it.
func LevelByte(level uint8, voice bool) uint8 {
	b := level & 0x7f
	if voice {
		b |= 0x80
	}
	return b
}

// ParseLevel reads an audio level extension (RFC 6464).
func ParseLevel(ext []byte) (level uint8, voice, ok bool) {
	if len(ext) < 1 {
		return 127, false, false
	}
	return ext[0] & 0x7f, ext[0]&0x80 != 0, true
}

// ParseTransportCC reads a transport-wide sequence number.
func ParseTransportCC(ext []byte) (seq uint16, ok bool) {
	if len(ext) < 2 {
		return 0, false
	}
	return uint16(ext[0])<<8 | uint16(ext[1]), true
}

// AbsSendTime is the 24-bit 6.18 fixed point send time of now.
func AbsSendTime(now time.Duration) uint32 {
	sec, frac := uint64(now/time.Second), uint64(now%time.Second)
	return uint32(sec<<18|frac<<18/uint64(time.Second)) & 0xffffff
}
