package publisher

import "incamera/cmd/incamera/load/stamp"

// sound is a piece of Opus with room for a stamp: the same frame as a packet of code 3 with padding (RFC 6716 §3.2.5),
// which decoders skip.
func sound(piece []byte) []byte {
	const (
		code3   = 3
		padding = 0x40
	)
	out := make([]byte, 0, len(piece)+2+stamp.Len)
	out = append(out, piece[0]|code3, padding|1, stamp.Len)
	out = append(out, piece[1:]...)
	return append(out, make([]byte, stamp.Len)...)
}
