package rtcp

import "errors"

// Errors of packets that are cut or lie about themselves.
var (
	ErrShort   = errors.New("rtcp: packet too short")
	ErrVersion = errors.New("rtcp: version is not 2")
	ErrLength  = errors.New("rtcp: length beyond the packet")
)

// Kind is what a part of a compound packet is.
type Kind uint8

// The kinds that are told apart. Other covers everything to be skipped (APP, XR, unknown feedback formats).
const (
	Other Kind = iota
	SR
	RR
	SDES
	Bye
	NACK
	TransportCC
	PLI
	FIR
	REMB
)

// SenderInfo is the sender's half of an SR.
type SenderInfo struct {
	SSRC            uint32
	NTP             uint64
	RTP             uint32
	Packets, Octets uint32
}

// Block is one reception report block.
type Block struct {
	SSRC         uint32
	FractionLost uint8
	Lost         int32 // cumulative, 24 bits signed
	HighestSeq   uint32
	Jitter       uint32 // in clock ticks
	LSR, DLSR    uint32
}

// Pair is one NACK item: a sequence number and a mask of the 16 that follow it.
type Pair struct {
	ID   uint16
	Mask uint16
}

// Append adds the sequence numbers of the pair to dst, at most 17.
func (p Pair) Append(dst []uint16) []uint16 {
	dst = append(dst, p.ID)
	for i := range uint16(16) {
		if p.Mask&(1<<i) != 0 {
			dst = append(dst, p.ID+i+1)
		}
	}
	return dst
}

// Packet types and feedback formats on the wire.
const (
	ptSR, ptRR, ptSDES, ptBye, ptRTPFB, ptPSFB = 200, 201, 202, 203, 205, 206

	fmtNACK, fmtTransportCC = 1, 15
	fmtPLI, fmtFIR, fmtALFB = 1, 4, 15

	blockLen = 24
)
