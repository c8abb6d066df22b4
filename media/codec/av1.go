package codec

// OBU types that matter here.
const (
	obuSequenceHeader = 1
	obuFrameHeader    = 3
	obuFrame          = 6
)

// readAV1 reads the aggregation header (AV1 RTP specification, section 4.4) and the headers of the OBUs in the packet.
//
//	|Z|Y|W W|N|-|-|-|  Z: begins with a continuation, Y: the last goes on, W: number of OBUs (0: all have lengths),
//	                   N: first packet of a coded video sequence
func readAV1(p []byte, marker bool) (Facts, error) {
	cont, count, first := p[0]&0x80 != 0, int(p[0]>>4&0x03), p[0]&0x08 != 0
	if cont && first {
		return Facts{}, ErrInvalid
	}
	f := Facts{FrameEnd: marker}
	rest := p[1:]
	layered := false
	for i := 0; len(rest) > 0; i++ {
		obu := rest
		if count == 0 || i+1 < count {
			size, n := leb128(rest)
			if n == 0 || size > uint64(len(rest)-n) {
				return Facts{}, ErrInvalid
			}
			obu, rest = rest[n:n+int(size)], rest[n+int(size):]
		} else {
			rest = nil
		}
		if len(obu) == 0 || (i == 0 && cont) {
			continue
		}
		if obu[0]&0x80 != 0 { // forbidden bit
			return Facts{}, ErrInvalid
		}
		switch obu[0] >> 3 & 0x0f {
		case obuSequenceHeader:
			f.Config = true
			f.FrameStart = f.FrameStart || i == 0
		case obuFrame, obuFrameHeader:
			f.FrameStart = f.FrameStart || i == 0
		}
		if obu[0]&0x04 != 0 && !layered && len(obu) > 1 {
			layered = true
			f.TID, f.SID = obu[1]>>5, obu[1]>>3&0x03
		}
	}
	if first || (f.Config && !cont) {
		f.KeyStart, f.FrameStart, f.SwitchUp = true, true, true
	}
	return f, nil
}

// leb128 reads a little-endian base 128 number of at most eight bytes; n is its length, 0 when it is broken.
func leb128(b []byte) (v uint64, n int) {
	for n < len(b) && n < 8 {
		v |= uint64(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1]&0x80 == 0 {
			return v, n
		}
	}
	return 0, 0
}
