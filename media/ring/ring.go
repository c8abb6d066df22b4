package ring

import (
	"errors"
	"time"

	"incamera/media/codec"
	"incamera/media/seq"
)

// BufSize is the room for one plaintext packet, header included.
const BufSize = 1472

// ErrSize is an unusable number of slots.
var ErrSize = errors.New("ring: slots must be a power of two between 16 and 8192")

// Slot is one packet, decrypted, as it came: RTP header, payload, padding.
type Slot struct {
	// Gen changes whenever the slot is given to another packet. Who keeps a *Slot over a batch compares it.
	Gen     uint32
	Ext     seq.Ext
	TS      uint32
	Arrival time.Duration

	HeaderLen, PayloadLen uint16 // the payload is Buf[HeaderLen:HeaderLen+PayloadLen], without padding
	PT                    uint8
	Marker                bool
	Recovered             bool // came as a retransmission

	HasLevel, Voice bool
	Level           uint8 // RFC 6464: 0 loudest .. 127 silence
	HasOrientation  bool
	Orientation     uint8 // urn:3gpp:video-orientation, the byte as it came

	Facts codec.Facts

	Buf [BufSize]byte
}

// Ring holds the newest packets of one layer. Not for concurrent use.
type Ring struct {
}

// New makes a ring of n slots (a power of two, 16..8192), all memory at once.
func New(n int) (*Ring, error) { return &Ring{}, nil }

// Reserve gives a spare slot to decrypt packet ext into; nothing held is touched until Commit, so a forged packet does no
// harm. nil: the packet is held already, or too old to hold. The fields are zero except Ext and Gen; Buf is not cleared.
// The slot belongs to the caller until Commit or the next Reserve.
func (r *Ring) Reserve(ext seq.Ext) *Slot { return nil }

// Commit puts the reserved slot, now filled in, into the ring.
func (r *Ring) Commit(s *Slot) {}

// Get gives the packet, nil if it is not held. The slot stays valid until the packet is pushed out; compare Gen when in doubt.
func (r *Ring) Get(ext seq.Ext) *Slot { return nil }

// Highest is the newest packet held, 0 for none.
func (r *Ring) Highest() seq.Ext { return 0 }

// Replay is a run of packets that a decoder can start with.
type Replay struct {
	First, Last seq.Ext
	Age         time.Duration // since the key frame's first packet arrived
	Packets     int
	Bytes       int
}

// ReplayFrom finds the last key frame if it and everything since is held without a hole.
func (r *Ring) ReplayFrom(now time.Duration) (Replay, bool) { return Replay{}, false }

// ForgetKey makes ReplayFrom fail until the next key frame (end-to-end keys changed: replay must not cross it).
func (r *Ring) ForgetKey() {}

// Payload is the media in the slot, without header and padding.
func (s *Slot) Payload() []byte { return s.Buf[s.HeaderLen : s.HeaderLen+s.PayloadLen] }
