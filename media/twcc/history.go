package twcc

import (
	"errors"
	"time"

	"incamera/media/seq"
)

// ErrFeedback is a feedback packet that is cut or lies about itself.
var ErrFeedback = errors.New("twcc: bad feedback")

// Ack is what feedback says about one packet that was sent.
type Ack struct {
	Seq     seq.Ext
	Size    int
	Sent    time.Duration // our clock
	Arrived time.Duration // the receiver's clock, continuous; only differences mean something
	Lost    bool          // not arrived (yet): a later feedback may still say it did
}

// History remembers what was sent to one receiver. Not for concurrent use.
type History struct {
}

// NewHistory makes one that remembers n packets (rounded up to a power of two, 64..16384).
func NewHistory(n int) *History { return &History{} }

// Sent takes note of a packet with the transport-wide number s, in sending order.
func (h *History) Sent(s uint16, size int, now time.Duration) {}

// OnFeedback reads one feedback part (with its RTCP header) and yields every packet it speaks of that is still
// remembered and was not yet reported as arrived, in order.
func (h *History) OnFeedback(part []byte, now time.Duration, yield func(Ack)) error { return nil }

// InFlight is the number of bytes sent and not yet reported on.
func (h *History) InFlight() int { return 0 }
