package srtp

// Out seals what is sent to one peer. Owned by one goroutine.
type Out struct {
	profile Profile
}

// Stream is the sending state of one SSRC of an Out.
type Stream struct {
	ssrc uint32
}

// NewOut derives session keys from the local master key and salt. It keeps
// neither; the caller wipes them.
func NewOut(profile Profile, masterKey, masterSalt []byte) (*Out, error) { return nil, ErrProfile }

// Profile is the one given to NewOut.
func (o *Out) Profile() Profile { return o.profile }

// Overhead is by how many bytes Seal makes a packet longer.
func (o *Out) Overhead() int { return o.profile.Overhead() }

// RTCPOverhead is by how many bytes SealRTCP makes a packet longer.
func (o *Out) RTCPOverhead() int { return o.profile.RTCPOverhead() }

// Stream returns the one Stream of ssrc, made on first use. Keep the pointer
// beside the sending state (Down): Stream.Seal then needs no lookup.
func (o *Out) Stream(ssrc uint32) (*Stream, error) { return nil, ErrTooManyStreams }

// Seal is Stream(ssrc) and Stream.Seal in one.
func (o *Out) Seal(dst []byte, hdrLen int, payload []byte, ssrc, roc uint32, seq uint16) (int, error) {
	return 0, ErrTooManyStreams
}

// SSRC of the stream.
func (s *Stream) SSRC() uint32 { return s.ssrc }

// Seal writes a protected packet into dst, whose first hdrLen bytes already
// hold the finished RTP header (with this SSRC and seq), and returns its
// length: hdrLen+len(payload)+Overhead. The payload is read from elsewhere,
// usually the ring slot; it must not overlap dst. roc and seq together must
// exceed every earlier pair of the stream (ErrNonceReuse); gaps are allowed,
// so a caller may start where it likes and skip. On error dst holds nothing
// that may be sent.
func (s *Stream) Seal(dst []byte, hdrLen int, payload []byte, roc uint32, seq uint16) (int, error) {
	return 0, ErrNonceReuse
}

// SealRTCP writes the protected form of the compound packet pkt into dst and
// returns its length: len(pkt)+RTCPOverhead. dst and pkt must not overlap.
func (o *Out) SealRTCP(dst, pkt []byte) (int, error) { return 0, ErrMalformed }
