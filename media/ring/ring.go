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

// Payload is the media in the slot, without header and padding.
func (s *Slot) Payload() []byte { return s.Buf[s.HeaderLen : s.HeaderLen+s.PayloadLen] }

// Ring holds the newest packets of one layer. Not for concurrent use.
type Ring struct {
	// static
	most int           // places that it may grow to
	keep time.Duration // it grows rather than push out what is younger

	mask    seq.Ext
	at      []*Slot // by place
	spare   *Slot   // one slot more than places
	gen     uint32
	highest seq.Ext

	// The last key frame, and how far the run from it is known to be without a hole.
	key      seq.Ext
	keyTS    uint32
	barrier  seq.Ext // key frames up to here do not count: ForgetKey
	contig   seq.Ext
	runBytes int
}

// New makes a ring of n slots (a power of two, 16..8192), all memory at once.
func New(n int) (*Ring, error) { return NewGrowing(n, n, 0) }

// NewGrowing makes a ring of few slots that grows to at most most (both powers of two, 16..8192), by doubling, as long as
// it would push out packets that came less than keep before. So a slow stream needs little memory.
func NewGrowing(few, most int, keep time.Duration) (*Ring, error) {
	if few < 16 || most > 8192 || few > most || few&(few-1) != 0 || most&(most-1) != 0 {
		return nil, ErrSize
	}
	r := &Ring{most: most, keep: keep, spare: new(Slot)}
	r.resize(few)
	return r, nil
}

// resize makes room for n packets. The slots are one allocation without pointers, which the garbage collector never walks.
func (r *Ring) resize(n int) {
	old, more := r.at, make([]Slot, n-len(r.at))
	r.at, r.mask = make([]*Slot, n), seq.Ext(n-1)
	free := make([]*Slot, 0, n)
	for _, s := range old {
		if s.Ext != 0 {
			r.at[s.Ext&r.mask] = s
		} else {
			free = append(free, s)
		}
	}
	for i := range more {
		free = append(free, &more[i])
	}
	for i := range r.at {
		if r.at[i] == nil {
			r.at[i], free = free[0], free[1:]
		}
	}
}

// Reserve gives a spare slot to decrypt packet ext into; nothing held is touched until Commit, so a forged packet does no
// harm. nil: the packet is held already, or too old to hold. The fields are zero except Ext and Gen; Buf is not cleared.
// The slot belongs to the caller until Commit or the next Reserve.
func (r *Ring) Reserve(ext seq.Ext) *Slot {
	if ext == 0 || ext+r.mask < r.highest || r.Get(ext) != nil {
		return nil
	}
	s := r.spare
	r.gen++
	s.Gen, s.Ext, s.TS, s.Arrival = r.gen, ext, 0, 0
	s.HeaderLen, s.PayloadLen, s.PT = 0, 0, 0
	s.Marker, s.Recovered = false, false
	s.HasLevel, s.Voice, s.Level = false, false, 0
	s.HasOrientation, s.Orientation = false, 0
	s.Facts = codec.Facts{}
	return s
}

// Commit puts the reserved slot, now filled in, into the ring.
func (r *Ring) Commit(s *Slot) {
	if s != r.spare || s.Ext == 0 {
		return
	}
	for r.crowded(s) {
		r.resize(2 * len(r.at))
	}
	place := &r.at[s.Ext&r.mask]
	*place, r.spare = s, *place
	if s.Ext > r.highest {
		r.highest = s.Ext
	}
	if s.Facts.KeyStart {
		r.keyStart(s)
	}
}

// crowded says that more places are needed to keep this packet and the others.
func (r *Ring) crowded(s *Slot) bool {
	if len(r.at) == r.most {
		return false
	}
	old := r.at[s.Ext&r.mask]
	return old.Ext != 0 && old.Ext != s.Ext && s.Arrival-old.Arrival < r.keep ||
		r.highest != 0 && s.Ext > r.highest+r.mask/2 // what is missing in between may still come
}

// keyStart moves the replay point. A key frame may have more than one packet that it could start with (an H264 SPS, then
// the picture): the first of the same timestamp counts.
func (r *Ring) keyStart(s *Slot) {
	if s.Ext <= r.barrier {
		return
	}
	if r.key != 0 {
		sameFrame, older := s.TS == r.keyTS, s.Ext < r.key
		if sameFrame != older { // a later part of the same frame, or an older frame that came late
			return
		}
	}
	r.key, r.keyTS = s.Ext, s.TS
	r.contig, r.runBytes = s.Ext-1, 0
}

// Get gives the packet, nil if it is not held. The slot stays valid until the packet is pushed out; compare Gen when in doubt.
func (r *Ring) Get(ext seq.Ext) *Slot {
	s := r.at[ext&r.mask]
	if s.Ext != ext || ext == 0 {
		return nil
	}
	return s
}

// Highest is the newest packet held, 0 for none.
func (r *Ring) Highest() seq.Ext { return r.highest }

// Replay is a run of packets that a decoder can start with.
type Replay struct {
	First, Last seq.Ext
	Age         time.Duration // since the key frame's first packet arrived
	Packets     int
	Bytes       int
}

// ReplayFrom finds the last key frame if it and everything since is held without a hole. Each packet is looked at once
// over all calls, so asking often is cheap.
func (r *Ring) ReplayFrom(now time.Duration) (Replay, bool) {
	if r.key == 0 {
		return Replay{}, false
	}
	first := r.Get(r.key)
	if first == nil || r.key+r.mask < r.highest {
		r.key = 0
		return Replay{}, false
	}
	for r.contig < r.highest {
		s := r.Get(r.contig + 1)
		if s == nil {
			return Replay{}, false
		}
		r.contig++
		r.runBytes += int(s.HeaderLen + s.PayloadLen)
	}
	return Replay{
		First: r.key, Last: r.highest, Age: now - first.Arrival,
		Packets: int(r.highest-r.key) + 1, Bytes: r.runBytes,
	}, true
}

// ForgetKey makes ReplayFrom fail until the next key frame (end-to-end keys changed: replay must not cross it). A key
// frame that is still on its way as a retransmission does not count either.
func (r *Ring) ForgetKey() {
	r.key = 0
	r.barrier = r.highest
}
