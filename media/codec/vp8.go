package codec

import "encoding/binary"

// vp8Desc is the VP8 payload descriptor (RFC 7741), with the offsets of what can be rewritten (0: absent).
//
//	|X|R|N|S|R| PID | (required)
//	|I|L|T|K| RSV   | (if X)
//	|M| PictureID   | 7 or 15 bits (if I)
//	|   TL0PICIDX   | (if L)
//	|TID|Y| KEYIDX  | (if T or K)
type vp8Desc struct {
	size    int
	pidOff  int
	pidLong bool
	pid     uint16
	tl0Off  int
	tl0     uint8
	tid     uint8
	sync    bool
	start   bool
	nonRef  bool
}

func parseVP8(p []byte, d *vp8Desc) error {
	if len(p) < 1 {
		return ErrShort
	}
	*d = vp8Desc{size: 1, start: p[0]&0x10 != 0 && p[0]&0x07 == 0, nonRef: p[0]&0x20 != 0}
	if p[0]&0x80 == 0 {
		return nil
	}
	if len(p) < 2 {
		return ErrShort
	}
	x := p[1]
	n := 2
	if x&0x80 != 0 {
		if len(p) < n+1 {
			return ErrShort
		}
		d.pidOff = n
		if p[n]&0x80 != 0 {
			if len(p) < n+2 {
				return ErrShort
			}
			d.pidLong = true
			d.pid = binary.BigEndian.Uint16(p[n:]) & 0x7fff
			n += 2
		} else {
			d.pid = uint16(p[n])
			n++
		}
	}
	if x&0x40 != 0 {
		if len(p) < n+1 {
			return ErrShort
		}
		d.tl0Off, d.tl0 = n, p[n]
		n++
	}
	if x&0x30 != 0 {
		if len(p) < n+1 {
			return ErrShort
		}
		if x&0x20 != 0 {
			d.tid = p[n] >> 6
			d.sync = p[n]&0x20 != 0
		}
		n++
	}
	d.size = n
	return nil
}

// readVP8 uses the descriptor and, at the start of a frame, the P bit and the size in the first ten bytes of the frame:
// they stay clear under end-to-end encryption because the packetizer reads them too.
func readVP8(p []byte, marker bool) (Facts, error) {
	var d vp8Desc
	if err := parseVP8(p, &d); err != nil {
		return Facts{}, err
	}
	f := Facts{TID: d.tid, SwitchUp: d.sync, Discardable: d.nonRef, FrameStart: d.start, FrameEnd: marker}
	b := p[d.size:]
	if d.start && len(b) > 0 && b[0]&0x01 == 0 {
		f.KeyStart, f.SwitchUp = true, true
		if len(b) >= 10 && b[3] == 0x9d && b[4] == 0x01 && b[5] == 0x2a {
			f.Width = binary.LittleEndian.Uint16(b[6:]) & 0x3fff
			f.Height = binary.LittleEndian.Uint16(b[8:]) & 0x3fff
		}
	}
	return f, nil
}
