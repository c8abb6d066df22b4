package tcp

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	// MaxFrame is the longest datagram taken in: media stays below any MTU, DTLS below 1600 bytes.
	MaxFrame = 2048

	headerLen  = 2
	readBuffer = 8 << 10
)

// ErrFrameSize is a length that no datagram here has; the rest of the stream means nothing then.
var ErrFrameSize = errors.New("tcp: a frame is too long")

// FrameReader cuts a stream into frames. It holds readBuffer bytes, whatever is sent.
//
//	 0                   1
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
//	+-------------------------------+------------------+
//	|            LENGTH             |  LENGTH bytes    |
//	+-------------------------------+------------------+
type FrameReader struct {
	from       io.Reader
	buf        [readBuffer]byte
	start, end int
}

// NewFrameReader reads frames from r.
func NewFrameReader(r io.Reader) *FrameReader { return &FrameReader{from: r} }

// Next gives the next frame that is not empty; it is valid until the next call. A stream that ends inside of a frame
// gives io.ErrUnexpectedEOF.
func (r *FrameReader) Next() ([]byte, error) {
	for {
		frame, whole, err := r.take()
		if err != nil || whole && len(frame) > 0 {
			return frame, err
		}
		if whole {
			continue // an empty frame keeps a connection alive and says nothing
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// Ready says whether a whole frame is already here.
func (r *FrameReader) Ready() bool {
	have := r.end - r.start
	return have > headerLen && have >= headerLen+int(binary.BigEndian.Uint16(r.buf[r.start:]))
}

// take gives what is buffered, if it is whole.
func (r *FrameReader) take() (frame []byte, whole bool, err error) {
	have := r.buf[r.start:r.end]
	if len(have) < headerLen {
		return nil, false, nil
	}
	n := int(binary.BigEndian.Uint16(have))
	if n > MaxFrame {
		return nil, false, ErrFrameSize
	}
	if len(have) < headerLen+n {
		return nil, false, nil
	}
	r.start += headerLen + n
	return have[headerLen : headerLen+n], true, nil
}

func (r *FrameReader) fill() error {
	if r.start > 0 {
		r.end = copy(r.buf[:], r.buf[r.start:r.end])
		r.start = 0
	}
	n, err := r.from.Read(r.buf[r.end:])
	r.end += n
	switch {
	case n > 0:
		return nil // the error, if any, comes again
	case err == io.EOF && r.end > 0:
		return io.ErrUnexpectedEOF
	case err == nil:
		return io.ErrNoProgress
	}
	return err
}

// AppendFrame adds b as one frame.
func AppendFrame(out, b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(out, uint16(len(b))), b...)
}
