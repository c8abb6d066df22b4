package report

import (
	"time"

	"incamera/media/rtcp"
)

// SRInterval is how often a slot sends an SR when nothing happens.
const SRInterval = time.Second

// Sender makes the SRs of one slot: one at the first packet, one after every switch, then one a second.
// The zero value is ready.
type Sender struct {
	packets, octets uint32
	urgent          bool
	last            time.Duration
}

// Sent counts a packet with its payload bytes (without header and padding).
func (s *Sender) Sent(payload int) {
	if s.packets == 0 {
		s.urgent = true
	}
	s.packets++
	s.octets += uint32(payload)
}

// Switched asks for an SR at once. Call it when the first packet of the new source goes out.
func (s *Sender) Switched() { s.urgent = true }

// Due says whether an SR should go out now. Never before the first packet.
func (s *Sender) Due(now time.Duration) bool {
	return s.packets != 0 && (s.urgent || now-s.last >= SRInterval)
}

// Urgent says that it should whenever it is.
func (s *Sender) Urgent() bool { return s.packets != 0 && s.urgent }

// Make gives the SR: NTP is the server's time now, RTP the source's time now (SourceClock.At) through the slot's offset
// (rewrite.Stream.TSOffset). A publisher's own NTP never goes out: clocks of different people meet in one slot.
func (s *Sender) Make(ssrc uint32, wall Wall, source, tsOffset uint32, now time.Duration) rtcp.SenderInfo {
	s.urgent, s.last = false, now
	return rtcp.SenderInfo{
		SSRC: ssrc, NTP: uint64(wall.At(now)), RTP: source + tsOffset, Packets: s.packets, Octets: s.octets,
	}
}
