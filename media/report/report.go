package report

import (
	"time"

	"incamera/media/rtcp"
	"incamera/media/seq"
)

// NTP is a time in NTP format: seconds since 1900 in the upper half, fraction in the lower.
type NTP uint64

// NTPOf converts a wall clock time.
func NTPOf(t time.Time) NTP { return 0 }

// Add moves n by d.
func (n NTP) Add(d time.Duration) NTP { return n }

// Sub is the time from m to n.
func (n NTP) Sub(m NTP) time.Duration { return 0 }

// Middle is the middle 32 bits, as LSR carries them.
func (n NTP) Middle() uint32 { return uint32(n >> 16) }

// Wall gives the server's NTP time: the wall clock once, then the monotonic clock.
type Wall struct {
	Base NTP // NTP at now = 0
}

// At is the NTP time at now.
func (w Wall) At(now time.Duration) NTP { return w.Base.Add(now) }

// Receiver keeps the statistics of one incoming stream (RFC 3550 A.3, A.8). The zero value with Clock set is ready.
type Receiver struct {
	Clock seq.ClockRate
}

// Packet takes note of a packet. Retransmitted ones (recovered) count as received but not for the jitter.
func (r *Receiver) Packet(ext seq.Ext, ts uint32, recovered bool, now time.Duration) {}

// SenderReport takes note of the publisher's SR, for LSR and DLSR.
func (r *Receiver) SenderReport(ntp NTP, now time.Duration) {}

// Block makes the report block for ssrc and begins a new interval.
func (r *Receiver) Block(ssrc uint32, now time.Duration) rtcp.Block { return rtcp.Block{} }

// Stats are running totals.
type Stats struct {
	Received, Lost uint64
	FractionLost   float64 // of the last finished interval
	Jitter         time.Duration
}

// Stats gives the totals.
func (r *Receiver) Stats() Stats { return Stats{} }

// RTT is the round trip time that a report block tells about our own SR. False when it tells nothing sensible.
func RTT(b rtcp.Block, wall Wall, now time.Duration) (time.Duration, bool) { return 0, false }

// ClockMap maps one publisher's NTP clock to the server's: offset = the minimum of arrival − NTP over a window, as the
// fastest report is the least delayed. One for all streams of a publisher. The zero value is ready.
type ClockMap struct {
}

// Observe takes a publisher's SR time.
func (m *ClockMap) Observe(ntp NTP, now time.Duration) {}

// Server converts a publisher's NTP time to the server's monotonic time. False before the first observation.
func (m *ClockMap) Server(ntp NTP) (time.Duration, bool) { return 0, false }

// SourceClock knows what RTP time a source's clock shows now. The zero value with Clock set is ready.
type SourceClock struct {
	Clock seq.ClockRate
}

// Packet gives an anchor by arrival, used until the first SR.
func (c *SourceClock) Packet(ts uint32, now time.Duration) {}

// SenderReport takes the publisher's SR for this source, after m has observed it.
func (c *SourceClock) SenderReport(m *ClockMap, ntp NTP, rtp uint32, now time.Duration) {}

// At is the source's RTP time at now. False before anything is known.
func (c *SourceClock) At(m *ClockMap, now time.Duration) (uint32, bool) { return 0, false }

// Sender makes the SRs of one slot: one at the first packet, one after every switch, then one a second.
// The zero value is ready.
type Sender struct {
}

// Sent counts a packet with its payload bytes (without header and padding).
func (s *Sender) Sent(payload int) {}

// Switched asks for an SR at once.
func (s *Sender) Switched() {}

// Due says whether an SR should go out now. Never before the first packet.
func (s *Sender) Due(now time.Duration) bool { return false }

// Make gives the SR: NTP is the server's time now, RTP the source's time now through the slot's offset
// (rewrite.Stream.TSOffset).
func (s *Sender) Make(ssrc uint32, wall Wall, source uint32, tsOffset uint32, now time.Duration) rtcp.SenderInfo {
	return rtcp.SenderInfo{}
}
