package turn

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	maxMessage    = 1600 // what the engine reads at most
	stunHeader    = 20
	channelHeader = 4
)

// errMessage is a message that is longer than any, or none: the rest of the stream means nothing then.
var errMessage = errors.New("turn: no message of TURN, or too long")

// messages cuts a stream into whole messages (RFC 8656 section 12.5). The engine does so too, but it calls itself for
// each piece that comes of one message: a stranger who announced a long one and sent it byte by byte would make its
// stack as large as they like. It holds maxMessage bytes, whatever is sent.
type messages struct {
	buf [maxMessage]byte
	end int
}

// next gives one message in b; read reads from the stream.
func (m *messages) next(b []byte, read func([]byte) (int, error)) (int, error) {
	for {
		n, err := messageSize(m.buf[:m.end])
		if err != nil {
			return 0, err
		}
		if n > 0 && n <= m.end {
			if len(b) < n {
				return 0, io.ErrShortBuffer
			}
			copy(b, m.buf[:n])
			m.end = copy(m.buf[:], m.buf[n:m.end])
			return n, nil
		}
		got, err := read(m.buf[m.end:])
		m.end += got
		if got == 0 && err == nil {
			err = io.ErrNoProgress
		}
		if got == 0 {
			return 0, err // an error that came with bytes comes again
		}
	}
}

// messageSize is how long the message is that begins here, 0 when that is not told yet.
func messageSize(b []byte) (int, error) {
	if len(b) < channelHeader {
		return 0, nil
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	switch b[0] >> 6 {
	case 0: // STUN
		n += stunHeader
	case 1: // channel data, padded to four bytes
		n = channelHeader + (n+3)&^3
	default:
		return 0, errMessage
	}
	if n > maxMessage {
		return 0, errMessage
	}
	return n, nil
}
