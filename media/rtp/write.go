package rtp

import "encoding/binary"

// MaxHeader is the most that Put writes: fixed header, one CSRC, all extensions with the longest MID.
const MaxHeader = 12 + 4 + 4 + 3 + 2 + 2 + 4 + (1 + MaxMID) + (1 + MaxDependency) + 3

// MaxMID is the longest MID that fits the one-byte form.
const MaxMID = 16

// MaxDependency is the longest dependency descriptor that fits the one-byte form.
const MaxDependency = 16

// ExtIDs are a receiver's negotiated extension ids (1..14); 0 leaves that extension out.
type ExtIDs struct {
	TransportCC, AudioLevel, Orientation, AbsSendTime, MID, Dependency uint8
}

// Out is an outgoing header. Extensions are written when their id is set and they have a value.
type Out struct {
	PT      uint8
	Marker  bool
	Padding bool // the P bit; the caller appends the padding
	Seq     uint16
	TS      uint32
	SSRC    uint32
	CSRC    uint32 // 0: none

	TransportCC    uint16 // always written when its id is set
	HasLevel       bool
	Level          uint8 // RFC 6464 byte: voice bit | level
	HasOrientation bool
	Orientation    uint8
	AbsSendTime    uint32 // 24 bits; 0: none
	MID            string // "": none
	Dependency     []byte // dependency descriptor, at most MaxDependency bytes; empty: none
}

// Put writes the header to dst and returns its length, 0 if dst is too small (MaxHeader always suffices). A MID longer
// than MaxMID is left out.
func Put(dst []byte, o *Out, ids *ExtIDs) int {
	if len(dst) < MaxHeader {
		return 0
	}
	_ = dst[MaxHeader-1]
	b0, b1 := byte(2<<6), o.PT&0x7f
	if o.Padding {
		b0 |= 0x20
	}
	if o.Marker {
		b1 |= 0x80
	}
	binary.BigEndian.PutUint16(dst[2:], o.Seq)
	binary.BigEndian.PutUint32(dst[4:], o.TS)
	binary.BigEndian.PutUint32(dst[8:], o.SSRC)
	n := fixedLen
	if o.CSRC != 0 {
		b0 |= 1
		binary.BigEndian.PutUint32(dst[n:], o.CSRC)
		n += 4
	}
	start := n + 4
	end := putExts(dst, start, o, ids)
	if end > start {
		b0 |= 0x10
		for (end-start)%4 != 0 {
			dst[end] = 0
			end++
		}
		binary.BigEndian.PutUint16(dst[n:], profileOneByte)
		binary.BigEndian.PutUint16(dst[n+2:], uint16((end-start)/4))
		n = end
	}
	dst[0], dst[1] = b0, b1
	return n
}

// putExts writes the elements from offset n on and returns where they end.
func putExts(dst []byte, n int, o *Out, ids *ExtIDs) int {
	if ids.TransportCC != 0 {
		dst[n] = ids.TransportCC<<4 | 1
		dst[n+1], dst[n+2] = byte(o.TransportCC>>8), byte(o.TransportCC)
		n += 3
	}
	if ids.AudioLevel != 0 && o.HasLevel {
		dst[n], dst[n+1] = ids.AudioLevel<<4, o.Level
		n += 2
	}
	if ids.Orientation != 0 && o.HasOrientation {
		dst[n], dst[n+1] = ids.Orientation<<4, o.Orientation
		n += 2
	}
	if ids.AbsSendTime != 0 && o.AbsSendTime != 0 {
		dst[n] = ids.AbsSendTime<<4 | 2
		dst[n+1], dst[n+2], dst[n+3] = byte(o.AbsSendTime>>16), byte(o.AbsSendTime>>8), byte(o.AbsSendTime)
		n += 4
	}
	if size := len(o.Dependency); ids.Dependency != 0 && size > 0 && size <= MaxDependency {
		dst[n] = ids.Dependency<<4 | byte(size-1)
		n++
		n += copy(dst[n:], o.Dependency)
	}
	if ids.MID != 0 && o.MID != "" && len(o.MID) <= MaxMID {
		dst[n] = ids.MID<<4 | byte(len(o.MID)-1)
		n++
		n += copy(dst[n:], o.MID)
	}
	return n
}
