package codec

import "encoding/binary"

// readVP9 reads the VP9 payload descriptor (RFC 9628); the frame itself is never looked at.
//
//	|I|P|L|F|B|E|V|Z| (required)
//	|M| PICTURE ID  | 7 or 15 bits (if I)
//	| TID |U| SID |D| (if L), then TL0PICIDX (if not F)
//	| P_DIFF      |N| up to three (if F and P)
//	| SS ...        | (if V)
func (r *Reader) readVP9(p []byte, marker bool) (Facts, error) {
	b0 := p[0]
	inter, layers, flexible := b0&0x40 != 0, b0&0x20 != 0, b0&0x10 != 0
	f := Facts{FrameStart: b0&0x08 != 0, FrameEnd: b0&0x04 != 0 || marker}
	n := 1
	if b0&0x80 != 0 {
		if len(p) < n+1 {
			return Facts{}, ErrShort
		}
		f.HasPicture, f.Picture = true, uint16(p[n]&0x7f)
		if p[n]&0x80 != 0 {
			n++
			if len(p) < n+1 {
				return Facts{}, ErrShort
			}
			f.Picture = f.Picture<<8 | uint16(p[n])
		}
		n++
	}
	if layers {
		if len(p) < n+1 {
			return Facts{}, ErrShort
		}
		l := p[n]
		f.TID, f.Opens = l>>5, l&0x10 != 0
		f.SID, f.InterLayer = (l>>1)&0x07, l&0x01 != 0
		n++
		if !flexible {
			n++
		}
	}
	if flexible && inter {
		for i := 0; ; i++ {
			if i == 3 {
				return Facts{}, ErrInvalid
			}
			if len(p) < n+1 {
				return Facts{}, ErrShort
			}
			n++
			if p[n-1]&0x01 == 0 {
				break
			}
		}
	}
	if len(p) < n {
		return Facts{}, ErrShort
	}
	if b0&0x02 != 0 {
		f.Config = true
		if err := r.readVP9Structure(p[n:], &f); err != nil {
			return Facts{}, err
		}
	}
	if !inter && f.FrameStart && f.SID == 0 && !f.InterLayer {
		f.KeyStart, f.SwitchUp, f.Opens = true, true, true
	}
	return f, nil
}

// readVP9Structure reads the scalability structure: sizes of the spatial layers (the largest is kept) and the picture group.
func (r *Reader) readVP9Structure(p []byte, f *Facts) error {
	if len(p) < 1 {
		return ErrShort
	}
	layers, sizes, group := int(p[0]>>5)+1, p[0]&0x10 != 0, p[0]&0x08 != 0
	n := 1
	r.Spatial = layers
	if sizes {
		if len(p) < n+4*layers {
			return ErrShort
		}
		for i := range layers {
			size := p[n+4*i:]
			r.Width[i], r.Height[i] = binary.BigEndian.Uint16(size), binary.BigEndian.Uint16(size[2:])
		}
		last := p[n+4*(layers-1):]
		f.Width, f.Height = binary.BigEndian.Uint16(last), binary.BigEndian.Uint16(last[2:])
		n += 4 * layers
	}
	if !group {
		return nil
	}
	if len(p) < n+1 {
		return ErrShort
	}
	pictures := int(p[n])
	n++
	for range pictures {
		if len(p) < n+1 {
			return ErrShort
		}
		n += 1 + int(p[n]>>2&0x03)
	}
	if len(p) < n {
		return ErrShort
	}
	return nil
}
