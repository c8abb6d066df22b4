package rewrite

import (
	"errors"
	"time"

	"incamera/media/seq"
)

// ErrOptions is an unusable Options.
var ErrOptions = errors.New("rewrite: bad options")

// Options of a Stream.
type Options struct {
	// Clock is the slot's RTP clock. seq.AudioClock selects the audio timestamp rule, anything else the video one.
	Clock seq.ClockRate
	// History is how many outgoing packets can be found again for NACK answers: a power of two, 32..4096.
	History int
	// FirstSeq is the first sequence number, below 32768 (see seq.NewCounter). FirstTS the first timestamp. Pick at random.
	FirstSeq uint16
	FirstTS  uint32
}

// Validate checks the options.
func (o Options) Validate() error { return nil }

// Out is where a packet goes in the outgoing stream.
type Out struct {
	Index uint64 // sequence number with its rollover count above bit 16
	TS    uint32
}

// Seq is the sequence number on the wire.
func (o Out) Seq() uint16 { return uint16(o.Index) }

// ROC is the SRTP rollover count.
func (o Out) ROC() uint32 { return uint32(o.Index >> 16) }

// Origin is the source packet behind an outgoing one.
type Origin struct {
	Out   Out
	Epoch uint16  // which switch it came after: see Stream.Epoch
	Ext   seq.Ext // the packet in that source
}

// Stream is the state of one slot. Not for concurrent use.
type Stream struct {
}

// New makes a stream that has not yet forwarded anything.
func New(o Options) (*Stream, error) { return &Stream{}, o.Validate() }

// Switch makes the source whose packet first (with timestamp ts) is about to be forwarded the slot's source: that packet
// gets the next sequence number, and a timestamp that moves on by the rule of the kind of media. Packets of this
// source older than first will be refused. Call Packet for first afterwards. Also for a layer change and a resume.
func (s *Stream) Switch(first seq.Ext, ts uint32, now time.Duration) {}

// Epoch counts the switches (wrapping); it names the source in Origin.
func (s *Stream) Epoch() uint16 { return 0 }

// Packet places a packet of the current source. False: it is older than the switch, was dropped, went out already, or
// is too late to have a place. Packets may come in any order.
func (s *Stream) Packet(ext seq.Ext, ts uint32, now time.Duration) (Out, bool) { return Out{}, false }

// Drop says that a packet of the current source will not be forwarded (padding, a layer left out): the packets after it
// close ranks. If later packets already went out, its number is a hole that the receiver sees: then hole is true and
// the caller may fill Out with a padding-only packet.
func (s *Stream) Drop(ext seq.Ext, ts uint32, now time.Duration) (out Out, hole bool) {
	return Out{}, false
}

// Inject takes the next sequence number for a packet of our own (padding-only) with the timestamp of the last packet.
func (s *Stream) Inject(now time.Duration) (Out, bool) { return Out{}, false }

// Lookup finds what went out under seq, for a NACK.
func (s *Stream) Lookup(seq uint16) (Origin, bool) { return Origin{}, false }

// Last is the newest packet that went out. False before the first.
func (s *Stream) Last() (Out, bool) { return Out{}, false }

// TSOffset is what must be added to a timestamp of the current source to get the slot's.
func (s *Stream) TSOffset() uint32 { return 0 }
