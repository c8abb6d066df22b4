package srtp

import (
	"encoding/binary"
	"errors"
)

const defaultMaxSources = 64

// InOptions bounds an In. The zero value is useful.
type InOptions struct {
	// MaxSources is how many SSRCs may be tracked, for SRTP and for SRTCP
	// each. A source takes a place only once a packet of it was authentic.
	// 0 means 64.
	MaxSources int
}

// Validate reports a nonsensical option.
func (o InOptions) Validate() error {
	if o.MaxSources < 0 {
		return errors.New("srtp: negative MaxSources")
	}
	return nil
}

// In opens what one peer sends. Owned by one goroutine.
type In struct {
	// static
	profile Profile
	t       transform
	max     int

	// one window per SSRC, never removed: forgetting one would allow replays
	rtp, rtcp table
}

// table finds the replay window of an SSRC. Packets come in bursts of one
// SSRC, so the last hit is kept.
type table struct {
	windows  map[uint32]*window
	last     *window
	lastSSRC uint32
}

func (t *table) find(ssrc uint32) *window {
	if t.last != nil && t.lastSSRC == ssrc {
		return t.last
	}
	w := t.windows[ssrc]
	if w != nil {
		t.last, t.lastSSRC = w, ssrc
	}
	return w
}

// accept marks an authenticated packet as seen. w is what find returned.
func (t *table) accept(w *window, ssrc uint32, index uint64) {
	if w != nil {
		w.accept(index)
		return
	}
	w = &window{}
	w.reset(index)
	t.windows[ssrc] = w
	t.last, t.lastSSRC = w, ssrc
}

// NewIn derives session keys from the remote master key and salt. It keeps
// neither; the caller wipes them.
func NewIn(profile Profile, masterKey, masterSalt []byte, opts InOptions) (*In, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	if opts.MaxSources == 0 {
		opts.MaxSources = defaultMaxSources
	}
	t, err := newTransform(profile, masterKey, masterSalt)
	if err != nil {
		return nil, err
	}
	return &In{
		profile: profile, t: t, max: opts.MaxSources,
		rtp:  table{windows: map[uint32]*window{}},
		rtcp: table{windows: map[uint32]*window{}},
	}, nil
}

// Profile is the one given to NewIn.
func (in *In) Profile() Profile { return in.profile }

// Peek estimates the extended sequence number (ROC<<16 | seq) of a packet
// without changing any state, and says whether Open would refuse it as
// ErrReplayed or ErrTooManySources. With it a ring slot can be chosen before
// Open destroys the slot's old content.
func (in *In) Peek(ssrc uint32, seq uint16) (index uint64, err error) {
	_, index, err = in.check(ssrc, seq)
	return index, err
}

// Newest says whether a packet would be the highest of its source so far. It
// says nothing about the packet being authentic.
func (in *In) Newest(ssrc uint32, seq uint16) bool {
	w := in.rtp.find(ssrc)
	return w == nil || w.estimate(seq) > w.highest
}

// NewestRTCP is Newest for an SRTCP packet.
func (in *In) NewestRTCP(pkt []byte) bool {
	if len(pkt) < rtcpHeaderLen+in.profile.RTCPOverhead() {
		return false
	}
	w := in.rtcp.find(binary.BigEndian.Uint32(pkt[4:]))
	index, _ := in.t.rtcpIndex(pkt)
	return w == nil || uint64(index) > w.highest
}

func (in *In) check(ssrc uint32, seq uint16) (*window, uint64, error) {
	w := in.rtp.find(ssrc)
	if w == nil {
		if len(in.rtp.windows) >= in.max {
			return nil, 0, ErrTooManySources
		}
		return nil, uint64(seq), nil // a stream starts with ROC 0
	}
	index := w.estimate(seq)
	if index > maxIndex {
		return nil, 0, ErrExhausted
	}
	if !w.fresh(index) {
		return nil, 0, ErrReplayed
	}
	return w, index, nil
}

// Open authenticates the SRTP packet pkt, whose RTP header (CSRCs and header
// extension included) is hdrLen bytes long, and writes header and plain
// payload into dst, returning their total length and the extended sequence
// number ROC<<16 | seq. dst and pkt must not overlap, unless they
// begin at the same byte; dst needs len(pkt)-Overhead bytes. State (ROC, replay window, source table) changes
// only after authentication. On error dst's content is undefined. A source
// must be heard first within its first 65536 packets, where the ROC is 0: it
// is not on the wire, and the keys are of this connection.
func (in *In) Open(dst, pkt []byte, hdrLen int) (n int, index uint64, err error) {
	n = len(pkt) - in.profile.Overhead()
	if hdrLen < rtpHeaderLen || n < hdrLen || headerLenOf(pkt[:n]) != hdrLen {
		return 0, 0, ErrMalformed
	}
	if len(dst) < n {
		return 0, 0, ErrShortBuffer
	}
	ssrc := binary.BigEndian.Uint32(pkt[8:])
	w, index, err := in.check(ssrc, binary.BigEndian.Uint16(pkt[2:]))
	if err != nil {
		return 0, 0, err
	}
	if err := in.t.openRTP(dst[:n:n], pkt, hdrLen, ssrc, index); err != nil {
		return 0, 0, err
	}
	in.rtp.accept(w, ssrc, index)
	return n, index, nil
}

// OpenRTCP authenticates the SRTCP packet pkt and writes the plain compound
// packet into dst, returning its length. dst and pkt must not overlap, unless
// they begin at the same byte. SRTCP without encryption is refused.
func (in *In) OpenRTCP(dst, pkt []byte) (n int, err error) {
	n = len(pkt) - in.profile.RTCPOverhead()
	if n < rtcpHeaderLen || pkt[0]>>6 != 2 {
		return 0, ErrMalformed
	}
	if len(dst) < n {
		return 0, ErrShortBuffer
	}
	ssrc := binary.BigEndian.Uint32(pkt[4:])
	index, encrypted := in.t.rtcpIndex(pkt)
	if !encrypted {
		return 0, ErrUnencrypted
	}
	w := in.rtcp.find(ssrc)
	switch {
	case w == nil && len(in.rtcp.windows) >= in.max:
		return 0, ErrTooManySources
	case w != nil && !w.fresh(uint64(index)):
		return 0, ErrReplayed
	}
	if err := in.t.openRTCP(dst[:n:n], pkt, ssrc, index); err != nil {
		return 0, err
	}
	in.rtcp.accept(w, ssrc, uint64(index))
	return n, nil
}
