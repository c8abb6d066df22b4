package rtcp

// Reader walks a compound packet. Use: r := NewReader(buf); for r.Next() { switch r.Kind() … }; r.Err().
// It holds no copy: everything points into buf. Reduced-size packets (RFC 5506) are fine.
type Reader struct {
	rest, part []byte
	kind       Kind
	err        error
}

// NewReader starts at the first part of buf (plaintext, without SRTCP trailer).
func NewReader(buf []byte) Reader { return Reader{rest: buf} }

// Next moves to the next part. False at the end or on the first broken part. What the accessors of a part's kind give
// is inside the part: its lengths are checked here.
//
//	|V=2|P| count/format |  packet type  |  length in words - 1  |
func (r *Reader) Next() bool {
	r.part, r.kind = nil, Other
	if r.err != nil || len(r.rest) == 0 {
		return false
	}
	if len(r.rest) < 4 {
		return r.fail(ErrShort)
	}
	if r.rest[0]>>6 != 2 {
		return r.fail(ErrVersion)
	}
	n := 4 * (int(be.Uint16(r.rest[2:])) + 1)
	if n > len(r.rest) {
		return r.fail(ErrLength)
	}
	part := r.rest[:n]
	r.rest = r.rest[n:]
	if part[0]&0x20 != 0 {
		pad := int(part[n-1])
		if pad == 0 || pad > n-4 {
			return r.fail(ErrLength)
		}
		part = part[:n-pad]
	}
	kind, least := classify(part)
	if len(part) < least {
		return r.fail(ErrLength)
	}
	r.part, r.kind = part, kind
	return true
}

func (r *Reader) fail(err error) bool {
	r.err = err
	r.rest = nil
	return false
}

// classify gives the kind of a part and the least length that its kind needs.
func classify(p []byte) (k Kind, least int) {
	count := int(p[0] & 0x1f)
	switch p[1] {
	case ptSR:
		return SR, 28 + blockLen*count
	case ptRR:
		return RR, 8 + blockLen*count
	case ptSDES:
		return SDES, 4
	case ptBye:
		return Bye, 4 + 4*count
	case ptRTPFB:
		switch count {
		case fmtNACK:
			return NACK, 16
		case fmtTransportCC:
			return TransportCC, 20
		}
	case ptPSFB:
		switch count {
		case fmtPLI:
			return PLI, 12
		case fmtFIR:
			return FIR, 20
		case fmtALFB:
			if len(p) >= 20 && string(p[12:16]) == "REMB" {
				return REMB, 20 + 4*int(p[16])
			}
		}
	}
	return Other, 4
}

// Err says why Next stopped early.
func (r *Reader) Err() error { return r.err }

// Kind is the kind of the current part.
func (r *Reader) Kind() Kind { return r.kind }

// Bytes is the current part, with its header, without padding.
func (r *Reader) Bytes() []byte { return r.part }

// SSRC is the sender's SSRC (first word after the header), 0 if there is none.
func (r *Reader) SSRC() uint32 {
	if len(r.part) < 8 {
		return 0
	}
	return be.Uint32(r.part[4:])
}

// Media is the media source SSRC of a feedback part, 0 otherwise.
func (r *Reader) Media() uint32 {
	if r.kind < NACK {
		return 0
	}
	return be.Uint32(r.part[8:])
}

// Sender reads the sender info of an SR.
func (r *Reader) Sender() (SenderInfo, bool) {
	if r.kind != SR {
		return SenderInfo{}, false
	}
	p := r.part
	return SenderInfo{
		SSRC: be.Uint32(p[4:]), NTP: be.Uint64(p[8:]), RTP: be.Uint32(p[16:]),
		Packets: be.Uint32(p[20:]), Octets: be.Uint32(p[24:]),
	}, true
}

// Blocks is the number of report blocks of an SR or RR.
func (r *Reader) Blocks() int {
	if r.kind != SR && r.kind != RR {
		return 0
	}
	return int(r.part[0] & 0x1f)
}

// Block reads report block i, which must be below Blocks.
func (r *Reader) Block(i int) Block {
	if i < 0 || i >= r.Blocks() {
		return Block{}
	}
	at := 8
	if r.kind == SR {
		at = 28
	}
	p := r.part[at+blockLen*i:]
	lost := be.Uint32(p[4:])
	return Block{
		SSRC: be.Uint32(p), FractionLost: uint8(lost >> 24), Lost: int32(lost<<8) >> 8,
		HighestSeq: be.Uint32(p[8:]), Jitter: be.Uint32(p[12:]), LSR: be.Uint32(p[16:]), DLSR: be.Uint32(p[20:]),
	}
}

// NACKs is the number of (packet id, bitmask) pairs of a NACK.
func (r *Reader) NACKs() int {
	if r.kind != NACK {
		return 0
	}
	return (len(r.part) - 12) / 4
}

// NACK gives pair i; expand it with Pair.Append.
func (r *Reader) NACK(i int) Pair {
	if i < 0 || i >= r.NACKs() {
		return Pair{}
	}
	p := r.part[12+4*i:]
	return Pair{ID: be.Uint16(p), Mask: be.Uint16(p[2:])}
}

// Targets is the number of SSRCs that a FIR, REMB or BYE names (1 for a PLI).
func (r *Reader) Targets() int {
	switch r.kind {
	case PLI:
		return 1
	case FIR:
		return (len(r.part) - 12) / 8
	case REMB:
		return int(r.part[16])
	case Bye:
		return int(r.part[0] & 0x1f)
	default:
		return 0
	}
}

// Target is SSRC i of them.
func (r *Reader) Target(i int) uint32 {
	if i < 0 || i >= r.Targets() {
		return 0
	}
	switch r.kind {
	case FIR:
		return be.Uint32(r.part[12+8*i:])
	case REMB:
		return be.Uint32(r.part[20+4*i:])
	case Bye:
		return be.Uint32(r.part[4+4*i:])
	default:
		return be.Uint32(r.part[8:])
	}
}

// Bitrate is the estimate of a REMB in bit/s: a six-bit exponent and an 18-bit mantissa.
func (r *Reader) Bitrate() uint64 {
	if r.kind != REMB {
		return 0
	}
	exp := r.part[17] >> 2
	mantissa := uint64(r.part[17]&0x03)<<16 | uint64(be.Uint16(r.part[18:]))
	if mantissa == 0 {
		return 0
	}
	if exp > 45 { // beyond what 64 bits hold: as good as no limit
		return 1<<63 - 1
	}
	return mantissa << exp
}
