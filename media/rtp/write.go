package rtp

// MaxHeader is the most that Put writes: fixed header, one CSRC, all extensions with the longest MID.
const MaxHeader = 12 + 4 + 4 + 2 + 1 + 3 + 2 + 4 + 1 + MaxMID + 3

// MaxMID is the longest MID that fits the one-byte form.
const MaxMID = 16

// ExtIDs are a receiver's negotiated extension ids (1..14); 0 leaves that extension out.
type ExtIDs struct {
	TransportCC, AudioLevel, Orientation, AbsSendTime, MID uint8
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
}

// Put writes the header to dst and returns its length, 0 if dst is too small (MaxHeader always suffices).
func Put(dst []byte, o *Out, ids *ExtIDs) int { return 0 }
