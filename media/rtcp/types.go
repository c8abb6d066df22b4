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

// Reader walks a compound packet. Use: r := NewReader(buf); for r.Next() { switch r.Kind() … }; r.Err().
// It holds no copy: everything points into buf.
type Reader struct {
	rest, part []byte
	kind       Kind
	err        error
}

// NewReader starts at the first part of buf (plaintext, without SRTCP trailer).
func NewReader(buf []byte) Reader { return Reader{rest: buf} }

// Next moves to the next part. False at the end or on the first broken part.
func (r *Reader) Next() bool { return false }

// Err says why Next stopped early.
func (r *Reader) Err() error { return r.err }

// Kind is the kind of the current part.
func (r *Reader) Kind() Kind { return r.kind }

// Bytes is the current part, with its header.
func (r *Reader) Bytes() []byte { return r.part }

// SSRC is the sender's SSRC (first word after the header), 0 if there is none.
func (r *Reader) SSRC() uint32 { return 0 }

// Media is the media source SSRC of a feedback part, 0 otherwise.
func (r *Reader) Media() uint32 { return 0 }

// Sender reads the sender info of an SR.
func (r *Reader) Sender() (SenderInfo, bool) { return SenderInfo{}, false }

// Blocks is the number of report blocks of an SR or RR.
func (r *Reader) Blocks() int { return 0 }

// Block reads report block i.
func (r *Reader) Block(i int) Block { return Block{} }

// NACKs is the number of (packet id, bitmask) pairs of a NACK.
func (r *Reader) NACKs() int { return 0 }

// NACK gives pair i; expand it with Pair.Seqs.
func (r *Reader) NACK(i int) Pair { return Pair{} }

// Targets is the number of SSRCs that a FIR, REMB or BYE names (1 for a PLI).
func (r *Reader) Targets() int { return 0 }

// Target is SSRC i of them.
func (r *Reader) Target(i int) uint32 { return 0 }

// Bitrate is the estimate of a REMB in bit/s.
func (r *Reader) Bitrate() uint64 { return 0 }

// Pair is one NACK item: a sequence number and a mask of the 16 that follow it.
type Pair struct {
	ID   uint16
	Mask uint16
}

// Append adds the sequence numbers of the pair to dst, at most 17.
func (p Pair) Append(dst []uint16) []uint16 { return dst }
