package srtp

import (
	"encoding/binary"

	"incamera/media/ahead"
)

// maxStreams bounds the SSRCs of one Out. They are ours to choose (slots and
// their RTX), so reaching it is a bug, not a peer's doing.
const maxStreams = 1024

// Out seals what is sent to one peer. Owned by one goroutine.
type Out struct {
	// static
	profile Profile
	t       transform

	// Streams are never removed: forgetting one would forget which indexes it
	// has used, which is what keeps nonces unique.
	streams  map[uint32]*Stream
	rtcpNext uint32 // 1..maxRTCPIndex+1
}

// Stream is the sending state of one SSRC of an Out.
type Stream struct {
	sealer   sealer
	ssrc     uint32
	overhead int
	begun    bool
	used     window // the indexes sealed; whatever is below it counts as sealed
}

// NewOut derives session keys from the local master key and salt. It keeps
// neither; the caller wipes them.
func NewOut(profile Profile, masterKey, masterSalt []byte) (*Out, error) {
	t, err := newTransform(profile, masterKey, masterSalt)
	if err != nil {
		return nil, err
	}
	return &Out{profile: profile, t: t, streams: map[uint32]*Stream{}, rtcpNext: 1}, nil
}

// Profile is the one given to NewOut.
func (o *Out) Profile() Profile { return o.profile }

// Overhead is by how many bytes Seal makes a packet longer.
func (o *Out) Overhead() int { return o.profile.Overhead() }

// RTCPOverhead is by how many bytes SealRTCP makes a packet longer.
func (o *Out) RTCPOverhead() int { return o.profile.RTCPOverhead() }

// Stream returns the one Stream of ssrc, made on first use. Keep the pointer
// beside the sending state (Down): Stream.Seal then needs no lookup.
func (o *Out) Stream(ssrc uint32) (*Stream, error) {
	if s, ok := o.streams[ssrc]; ok {
		return s, nil
	}
	if len(o.streams) >= maxStreams {
		return nil, ErrTooManyStreams
	}
	s := &Stream{ssrc: ssrc, overhead: o.profile.Overhead(), sealer: o.t.sealer()}
	o.streams[ssrc] = s
	return s, nil
}

// Seal is Stream(ssrc) and Stream.Seal in one.
func (o *Out) Seal(dst []byte, hdrLen int, payload []byte, ssrc, roc uint32, seq uint16) (int, error) {
	s, err := o.Stream(ssrc)
	if err != nil {
		return 0, err
	}
	return s.Seal(dst, hdrLen, payload, roc, seq)
}

// streamLines and keyLines are the cache lines of a stream and of a key.
const streamLines, keyLines = 4, 12

// Fetch begins to fetch the memory that Seal will touch.
func (s *Stream) Fetch() {
	ahead.Lines(s, streamLines)
	ahead.Behind(&s.sealer.aead, keyLines)
}

// SSRC of the stream.
func (s *Stream) SSRC() uint32 { return s.ssrc }

// Seal writes a protected packet into dst, whose first hdrLen bytes already
// hold the finished RTP header (with this SSRC and seq), and returns its
// length: hdrLen+len(payload)+Overhead. The payload is read from elsewhere,
// usually the ring slot; it must not overlap dst. No pair of roc and seq is
// ever sealed twice, whatever was in the packet (ErrNonceReuse): it must be
// above every earlier pair, or one that was skipped not long ago. A caller may
// start where it likes and leave gaps, and what comes late may still fill one.
// On error dst holds nothing that may be sent.
func (s *Stream) Seal(dst []byte, hdrLen int, payload []byte, roc uint32, seq uint16) (int, error) {
	n := hdrLen + len(payload) + s.overhead
	if hdrLen < rtpHeaderLen || len(dst) < n {
		return 0, ErrShortBuffer
	}
	// The nonce comes from the arguments and the receiver's from the header.
	if headerLenOf(dst[:hdrLen]) != hdrLen ||
		binary.BigEndian.Uint16(dst[2:]) != seq || binary.BigEndian.Uint32(dst[8:]) != s.ssrc {
		return 0, ErrMalformed
	}
	index := uint64(roc)<<16 | uint64(seq)
	if s.begun && !s.used.fresh(index) {
		if s.used.highest == maxIndex {
			return 0, ErrExhausted
		}
		return 0, ErrNonceReuse
	}
	// Before sealing: an index counts as used even if that fails.
	if s.begun {
		s.used.accept(index)
	} else {
		s.used.reset(index)
		s.begun = true
	}
	if err := s.sealer.seal(dst[:n:n], hdrLen, payload, s.ssrc, index); err != nil {
		return 0, err
	}
	return n, nil
}

// SealRTCP writes the protected form of the compound packet pkt into dst and
// returns its length: len(pkt)+RTCPOverhead. dst and pkt must not overlap.
func (o *Out) SealRTCP(dst, pkt []byte) (int, error) {
	if len(pkt) < rtcpHeaderLen || pkt[0]>>6 != 2 {
		return 0, ErrMalformed
	}
	n := len(pkt) + o.profile.RTCPOverhead()
	if len(dst) < n {
		return 0, ErrShortBuffer
	}
	if o.rtcpNext > maxRTCPIndex {
		return 0, ErrExhausted
	}
	index := o.rtcpNext
	o.rtcpNext++
	if err := o.t.sealRTCP(dst[:n:n], pkt, binary.BigEndian.Uint32(pkt[4:]), index); err != nil {
		return 0, err
	}
	return n, nil
}
