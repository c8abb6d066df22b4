package report

import (
	"time"

	"incamera/media/rtcp"
	"incamera/media/seq"
)

// Receiver keeps the statistics of one incoming stream (RFC 3550 A.3, A.8). The zero value with Clock set is ready.
type Receiver struct {
	Clock seq.ClockRate

	base, high seq.Ext
	received   uint64

	priorExpected, priorReceived uint64
	fraction                     uint8

	jitter  uint64 // in ticks, 4 bits of fraction (A.8)
	transit int32
	prevTS  uint32

	srMiddle uint32
	srAt     time.Duration
}

// Packet takes note of a packet. Retransmitted ones (recovered) count as received but not for the jitter. Duplicates must
// not be given.
func (r *Receiver) Packet(ext seq.Ext, ts uint32, recovered bool, now time.Duration) {
	first := r.received == 0
	if first || ext < r.base {
		r.base = ext
	}
	r.high = max(r.high, ext)
	r.received++
	if recovered || !first && ts == r.prevTS { // packets of one picture: their spread is pacing, not jitter
		return
	}
	transit := int32(r.Clock.Ticks(now) - ts)
	if !first {
		d := int64(transit - r.transit)
		if d < 0 {
			d = -d
		}
		r.jitter += uint64(d) - (r.jitter+8)>>4
	}
	r.transit, r.prevTS = transit, ts
}

// SenderReport takes note of the publisher's SR, for LSR and DLSR.
func (r *Receiver) SenderReport(ntp NTP, now time.Duration) {
	r.srMiddle, r.srAt = ntp.Middle(), now
}

func (r *Receiver) expected() uint64 {
	if r.received == 0 {
		return 0
	}
	return uint64(r.high-r.base) + 1
}

// Block makes the report block for ssrc and begins a new interval.
func (r *Receiver) Block(ssrc uint32, now time.Duration) rtcp.Block {
	expected := r.expected()
	lost := int64(expected) - int64(r.received)
	interval := int64(expected - r.priorExpected)
	lostInterval := interval - int64(r.received-r.priorReceived)
	r.priorExpected, r.priorReceived = expected, r.received
	r.fraction = 0
	if interval > 0 && lostInterval > 0 {
		r.fraction = uint8(min(lostInterval<<8/interval, 255))
	}
	b := rtcp.Block{
		SSRC: ssrc, FractionLost: r.fraction, Lost: int32(min(max(lost, -1<<23), 1<<23-1)),
		// The cycles of Ext begin at 1; those of a report at 0.
		HighestSeq: uint32(max(r.high, 1<<16) - 1<<16), Jitter: uint32(r.jitter >> 4),
	}
	if r.received == 0 {
		b.HighestSeq = 0
	}
	if r.srMiddle != 0 {
		b.LSR = r.srMiddle
		b.DLSR = uint32(int64(now-r.srAt) << 16 / int64(time.Second))
	}
	return b
}

// Stats are running totals.
type Stats struct {
	Received     uint64
	Lost         int64         // not arrived and not recovered; below zero when packets came twice
	FractionLost float64       // of the last finished interval, 0..1
	Jitter       time.Duration // RFC 3550
}

// Stats gives the totals.
func (r *Receiver) Stats() Stats {
	return Stats{
		Received: r.received, Lost: int64(r.expected()) - int64(r.received),
		FractionLost: float64(r.fraction) / 256,
		Jitter:       r.Clock.Duration(int32(min(r.jitter>>4, 1<<31-1))),
	}
}
