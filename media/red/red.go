package red

import "errors"

// Errors of payloads that are cut, and of blocks that do not fit the format.
var (
	ErrShort  = errors.New("red: payload too short")
	ErrBlocks = errors.New("red: too many blocks")
	ErrFormat = errors.New("red: a block does not fit the format")
)

// MaxBlocks is the most that is read: the packet's own block and copies of eight before it.
const MaxBlocks = 9

const (
	headLen   = 4 // of a copy
	lastLen   = 1 // of the packet's own block
	maxOffset = 1<<14 - 1
	maxLength = 1<<10 - 1
)

// Block is one packet in a payload: the packet's own, or a copy of an earlier one.
type Block struct {
	PT      uint8
	Offset  uint32 // by how much the copy's timestamp is below the packet's; 0 for the packet's own
	Payload []byte
}

// Append takes a payload apart: copies as they come, usually the oldest first, then the packet's own block. The payloads
// are those bytes of the packet; nothing is allocated when dst has room for MaxBlocks.
//
//	 0                   1                   2                   3
//	|1|   block PT  |  timestamp offset         |   block length    |  a copy
//	|0|   block PT  |                                                  the packet's own
func Append(dst []Block, payload []byte) ([]Block, error) {
	first, at := len(dst), 0
	total := 0
	for {
		if len(payload)-at < lastLen {
			return dst[:first], ErrShort
		}
		if payload[at]&0x80 == 0 {
			break
		}
		if len(payload)-at < headLen {
			return dst[:first], ErrShort
		}
		if len(dst)-first == MaxBlocks-1 {
			return dst[:first], ErrBlocks
		}
		n := int(payload[at+2]&3)<<8 | int(payload[at+3])
		dst = append(dst, Block{
			PT:     payload[at] & 0x7f,
			Offset: uint32(payload[at+1])<<6 | uint32(payload[at+2])>>2,
			// Where it is is known when all heads are read; how long it is is kept in the meantime.
			Payload: payload[:min(n, len(payload))],
		})
		total += n
		at += headLen
	}
	own := Block{PT: payload[at] & 0x7f}
	at += lastLen
	if len(payload)-at < total {
		return dst[:first], ErrShort
	}
	for i := first; i < len(dst); i++ {
		n := len(dst[i].Payload)
		dst[i].Payload = payload[at : at+n : at+n]
		at += n
	}
	own.Payload = payload[at:]
	return append(dst, own), nil
}

// Own finds the packet's own block, without the copies.
func Own(payload []byte) (pt uint8, media []byte, err error) {
	at, total := 0, 0
	for blocks := 1; ; blocks++ {
		if len(payload)-at < lastLen {
			return 0, nil, ErrShort
		}
		if payload[at]&0x80 == 0 {
			break
		}
		if len(payload)-at < headLen {
			return 0, nil, ErrShort
		}
		if blocks == MaxBlocks {
			return 0, nil, ErrBlocks
		}
		total += int(payload[at+2]&3)<<8 | int(payload[at+3])
		at += headLen
	}
	pt = payload[at] & 0x7f
	if at += lastLen; len(payload)-at < total {
		return 0, nil, ErrShort
	}
	return pt, payload[at+total:], nil
}

// Retype writes another payload type into every block of a payload that was read without an error.
func Retype(payload []byte, pt uint8) {
	at := 0
	for ; at+headLen <= len(payload) && payload[at]&0x80 != 0; at += headLen {
		payload[at] = 0x80 | pt&0x7f
	}
	if at < len(payload) {
		payload[at] = pt & 0x7f
	}
}

// Put appends the payload made of the blocks; the last one is the packet's own.
func Put(dst []byte, blocks ...Block) ([]byte, error) {
	if len(blocks) == 0 || len(blocks) > MaxBlocks {
		return dst, ErrBlocks
	}
	copies, own := blocks[:len(blocks)-1], blocks[len(blocks)-1]
	for _, b := range copies {
		if b.Offset > maxOffset || len(b.Payload) > maxLength || b.PT > 0x7f {
			return dst, ErrFormat
		}
	}
	if own.PT > 0x7f {
		return dst, ErrFormat
	}
	for _, b := range copies {
		n := len(b.Payload)
		dst = append(dst, 0x80|b.PT, byte(b.Offset>>6), byte(b.Offset<<2)|byte(n>>8), byte(n))
	}
	dst = append(dst, own.PT)
	for _, b := range blocks {
		dst = append(dst, b.Payload...)
	}
	return dst, nil
}
