package codec

import "encoding/binary"

// NAL unit types (RFC 6184) that matter here.
const (
	nalSlice = 1
	nalIDR   = 5
	nalSEI   = 6
	nalSPS   = 7
	nalAUD   = 9
	nalSTAPA = 24
	nalFUA   = 28
	nalFUB   = 29
)

// readH264 uses NAL headers and, at the start of a slice, the first bit of the slice header: it says that the slice
// begins the picture (first_mb_in_slice is 0).
// A key frame starts with its SPS. A stream that never sent one (parameters out of band) starts with the IDR itself.
func (r *Reader) readH264(p []byte, marker bool) (Facts, error) {
	f := Facts{FrameEnd: marker, Discardable: p[0]&0x60 == 0}
	switch t := p[0] & 0x1f; t {
	case nalSTAPA:
		if err := r.readSTAP(p[1:], &f); err != nil {
			return Facts{}, err
		}
	case nalFUA, nalFUB:
		head := 2
		if t == nalFUB {
			head = 4 // decoding order number
		}
		if len(p) < head {
			return Facts{}, ErrShort
		}
		if p[1]&0x80 != 0 {
			r.nal(p[1]&0x1f, p[head:], &f)
		}
	default:
		r.nal(t, p[1:], &f)
	}
	if f.KeyStart {
		f.FrameStart, f.SwitchUp, f.Discardable = true, true, false
	}
	return f, nil
}

// readSTAP walks an aggregation packet: 16-bit size, NAL unit, again.
func (r *Reader) readSTAP(p []byte, f *Facts) error {
	f.Discardable = true
	for n := 0; n < len(p); {
		if n+2 > len(p) {
			return ErrShort
		}
		size := int(binary.BigEndian.Uint16(p[n:]))
		n += 2
		if size == 0 || n+size > len(p) {
			return ErrInvalid
		}
		if p[n]&0x60 != 0 {
			f.Discardable = false
		}
		r.nal(p[n]&0x1f, p[n+1:n+size], f)
		n += size
	}
	return nil
}

// nal takes the start of one NAL unit; body is what follows its header.
func (r *Reader) nal(t uint8, body []byte, f *Facts) {
	first := len(body) > 0 && body[0]&0x80 != 0
	switch t {
	case nalSPS:
		r.sawSPS = true
		f.KeyStart, f.Config = true, true
	case nalIDR:
		f.FrameStart = f.FrameStart || first
		if first && !r.sawSPS {
			f.KeyStart = true
		}
	case nalSlice:
		f.FrameStart = f.FrameStart || first
	case nalAUD, nalSEI:
		f.FrameStart = true
	}
}
