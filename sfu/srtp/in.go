package srtp

// InOptions bounds an In. The zero value is useful.
type InOptions struct {
	// MaxSources is how many SSRCs may be tracked, for SRTP and for SRTCP
	// each. A source takes a place only once a packet of it was authentic.
	// 0 means 64.
	MaxSources int
}

// Validate reports a nonsensical option.
func (o InOptions) Validate() error { return nil }

// In opens what one peer sends. Owned by one goroutine.
type In struct {
	profile Profile
}

// NewIn derives session keys from the remote master key and salt. It keeps
// neither; the caller wipes them.
func NewIn(profile Profile, masterKey, masterSalt []byte, opts InOptions) (*In, error) {
	return nil, ErrProfile
}

// Profile is the one given to NewIn.
func (in *In) Profile() Profile { return in.profile }

// Peek estimates the extended sequence number (ROC<<16 | seq) of a packet
// without changing any state, and says whether Open would refuse it as
// ErrReplayed or ErrTooManySources. With it a ring slot can be chosen before
// Open destroys the slot's old content.
func (in *In) Peek(ssrc uint32, seq uint16) (index uint64, err error) { return 0, ErrAuth }

// Open authenticates the SRTP packet pkt, whose RTP header (CSRCs and header
// extension included) is hdrLen bytes long, and writes header and plain
// payload into dst, returning their total length and the extended sequence
// number ROC<<16 | seq. dst and pkt must not overlap; dst needs
// len(pkt)-Overhead bytes. State (ROC, replay window, source table) changes
// only after authentication. On error dst's content is undefined.
func (in *In) Open(dst, pkt []byte, hdrLen int) (n int, index uint64, err error) {
	return 0, 0, ErrAuth
}

// OpenRTCP authenticates the SRTCP packet pkt and writes the plain compound
// packet into dst, returning its length. dst and pkt must not overlap.
func (in *In) OpenRTCP(dst, pkt []byte) (n int, err error) { return 0, ErrAuth }
