package twcc

import "time"

// Interval is how often feedback is sent.
const Interval = 50 * time.Millisecond

// Recorder collects the arrivals of one publisher's transport. Not for concurrent use.
type Recorder struct {
}

// NewRecorder makes one.
func NewRecorder() *Recorder { return &Recorder{} }

// Record takes note of a packet (each RTP packet with a transport-wide number, RTX and padding too).
func (r *Recorder) Record(seq uint16, now time.Duration) {}

// Due says whether feedback should be built: there is something to report and the interval is over.
func (r *Recorder) Due(now time.Duration) bool { return false }

// Append adds one feedback packet (a whole RTCP part) of at most maxLen bytes to dst; more says that there is more to
// report: call again. dst is unchanged when there is nothing.
func (r *Recorder) Append(dst []byte, sender, media uint32, maxLen int, now time.Duration) (out []byte, more bool) {
	return dst, false
}
