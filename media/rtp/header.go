package rtp

import (
	"encoding/binary"
	"errors"
)

// Errors of packets that are cut or lie about themselves.
var (
	ErrShort     = errors.New("rtp: packet too short")
	ErrVersion   = errors.New("rtp: version is not 2")
	ErrExtension = errors.New("rtp: header extension beyond the packet")
	ErrPadding   = errors.New("rtp: padding beyond the payload")
)

// Header describes a packet by its fields and by offsets into the buffer that was parsed.
type Header struct {
	PT      uint8
	Marker  bool
	Padding bool
	Seq     uint16
	TS      uint32
	SSRC    uint32

	CSRCCount  uint8
	HeaderLen  int // offset of the payload
	PayloadLen int // without padding (set by Parse or ParsePayload)
	PaddingLen int

	ExtProfile     uint16 // 0xBEDE one-byte, 0x100x two-byte, 0 none
	extOff, extLen int
	buf            []byte
}

const (
	fixedLen       = 12
	profileOneByte = 0xBEDE
	profileTwoByte = 0x1000 // the low four bits are free
)

// ParseHeader reads the header only: right for SRTP packets, whose padding length is still encrypted.
// The header refers to buf until the next call.
//
//	 0                   1                   2                   3
//	|V=2|P|X|  CC   |M|     PT      |       sequence number         |
//	|                           timestamp                           |
//	|                             SSRC                              |
//	|                          CSRC × CC                            |
//	|  extension profile            |  length in words (if X)       |
func ParseHeader(buf []byte, h *Header) error {
	if len(buf) < fixedLen {
		return ErrShort
	}
	if buf[0]>>6 != 2 {
		return ErrVersion
	}
	h.PT = buf[1] & 0x7f
	h.Marker = buf[1]&0x80 != 0
	h.Padding = buf[0]&0x20 != 0
	h.Seq = binary.BigEndian.Uint16(buf[2:])
	h.TS = binary.BigEndian.Uint32(buf[4:])
	h.SSRC = binary.BigEndian.Uint32(buf[8:])
	h.CSRCCount = buf[0] & 0x0f
	h.PayloadLen, h.PaddingLen = 0, 0
	h.ExtProfile, h.extOff, h.extLen = 0, 0, 0
	h.buf = buf

	off := fixedLen + 4*int(h.CSRCCount)
	if buf[0]&0x10 != 0 {
		if len(buf) < off+4 {
			return ErrExtension
		}
		h.ExtProfile = binary.BigEndian.Uint16(buf[off:])
		h.extLen = 4 * int(binary.BigEndian.Uint16(buf[off+2:]))
		h.extOff = off + 4
		off = h.extOff + h.extLen
		if len(buf) < off {
			return ErrExtension
		}
	}
	if len(buf) < off {
		return ErrShort
	}
	h.HeaderLen = off
	return nil
}

// ParsePayload finds the payload and its padding in packet, the same packet after decryption (header in clear, no
// authentication tag). The header refers to packet from now on.
func (h *Header) ParsePayload(packet []byte) error {
	if len(packet) < h.HeaderLen {
		return ErrShort
	}
	h.buf = packet
	h.PaddingLen = 0
	h.PayloadLen = len(packet) - h.HeaderLen
	if !h.Padding {
		return nil
	}
	if h.PayloadLen == 0 {
		return ErrPadding
	}
	pad := int(packet[len(packet)-1])
	if pad == 0 || pad > h.PayloadLen {
		return ErrPadding
	}
	h.PaddingLen = pad
	h.PayloadLen -= pad
	return nil
}

// Parse reads header and padding of a packet in clear.
func Parse(buf []byte, h *Header) error {
	if err := ParseHeader(buf, h); err != nil {
		return err
	}
	return h.ParsePayload(buf)
}

// Payload is the media of the parsed packet, without padding.
func (h *Header) Payload() []byte { return h.buf[h.HeaderLen : h.HeaderLen+h.PayloadLen] }

// Ext finds the header extension with this id (1..14 one-byte, 1..255 two-byte form); nil if there is none. An id of 0
// (not negotiated) never matches. The bytes belong to the parsed buffer.
func (h *Header) Ext(id uint8) []byte {
	if id == 0 || h.extLen == 0 {
		return nil
	}
	b := h.buf[h.extOff : h.extOff+h.extLen]
	switch {
	case h.ExtProfile == profileOneByte:
		return findOneByte(b, id)
	case h.ExtProfile&0xfff0 == profileTwoByte:
		return findTwoByte(b, id)
	default:
		return nil
	}
}

// findOneByte walks elements of one byte: id in the upper half, length-1 in the lower.
func findOneByte(b []byte, id uint8) []byte {
	for i := 0; i < len(b); {
		if b[i] == 0 { // padding
			i++
			continue
		}
		got, n := b[i]>>4, int(b[i]&0x0f)+1
		if got == 15 { // reserved: the rest is not for us
			return nil
		}
		i++
		if i+n > len(b) {
			return nil
		}
		if got == id {
			return b[i : i+n]
		}
		i += n
	}
	return nil
}

// findTwoByte walks elements of two bytes: id, length.
func findTwoByte(b []byte, id uint8) []byte {
	for i := 0; i < len(b); {
		if b[i] == 0 { // padding
			i++
			continue
		}
		if i+2 > len(b) {
			return nil
		}
		got, n := b[i], int(b[i+1])
		i += 2
		if i+n > len(b) {
			return nil
		}
		if got == id {
			return b[i : i+n]
		}
		i += n
	}
	return nil
}

// CSRC gives contributing source i, 0 if there are fewer.
func (h *Header) CSRC(i int) uint32 {
	if i < 0 || i >= int(h.CSRCCount) {
		return 0
	}
	return binary.BigEndian.Uint32(h.buf[fixedLen+4*i:])
}
