package rtp

import "errors"

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

// ParseHeader reads the header only: right for SRTP packets, whose padding length is still encrypted.
// The header refers to buf until the next call.
func ParseHeader(buf []byte, h *Header) error { return nil }

// ParsePayload finds the payload and its padding in packet, the same packet after decryption (header in clear, no
// authentication tag).
func (h *Header) ParsePayload(packet []byte) error { return nil }

// Parse reads header and padding of a packet in clear.
func Parse(buf []byte, h *Header) error {
	if err := ParseHeader(buf, h); err != nil {
		return err
	}
	return h.ParsePayload(buf)
}

// Ext finds the header extension with this id (1..14 one-byte, 1..255 two-byte form); nil if there is none. An id of 0
// (not negotiated) never matches. The bytes belong to the parsed buffer.
func (h *Header) Ext(id uint8) []byte { return nil }

// CSRC gives contributing source i, 0 if there are fewer.
func (h *Header) CSRC(i int) uint32 { return 0 }
