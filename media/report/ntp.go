package report

import (
	"time"

	"incamera/media/rtcp"
)

// NTP is a time in NTP format: seconds since 1900 in the upper half, fraction in the lower.
type NTP uint64

// ntpEpoch is 1900-01-01 in Unix seconds.
const ntpEpoch = -2208988800

// NTPOf converts a wall clock time. Seconds wrap in 2036, as the format does.
func NTPOf(t time.Time) NTP {
	return NTP(uint64(uint32(t.Unix()-ntpEpoch))<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second))
}

// Add moves n by d.
func (n NTP) Add(d time.Duration) NTP {
	sec, frac := int64(d/time.Second), int64(d%time.Second)
	return n + NTP(sec<<32) + NTP(frac<<32/int64(time.Second))
}

// Sub is the time from m to n, right within 68 years.
func (n NTP) Sub(m NTP) time.Duration {
	d := int64(n - m)
	return time.Duration(d>>32)*time.Second + time.Duration((d&0xffffffff)*int64(time.Second)>>32)
}

// Middle is the middle 32 bits, as LSR carries them.
func (n NTP) Middle() uint32 { return uint32(n >> 16) }

// Wall gives the server's NTP time: the wall clock once, then the monotonic clock.
type Wall struct {
	Base NTP // NTP at now = 0
}

// At is the NTP time at now.
func (w Wall) At(now time.Duration) NTP { return w.Base.Add(now) }

// maxRTT bounds what is believed of a round trip time.
const maxRTT = 10 * time.Second

// RTT is the round trip time that a report block tells about our own SR (RFC 3550, 6.4.1): A - LSR - DLSR. False when
// it tells nothing sensible.
func RTT(b rtcp.Block, wall Wall, now time.Duration) (time.Duration, bool) {
	if b.LSR == 0 {
		return 0, false
	}
	d := int32(wall.At(now).Middle() - b.LSR - b.DLSR)
	rtt := time.Duration(int64(d) * int64(time.Second) >> 16)
	if rtt < -time.Millisecond || rtt > maxRTT { // a little below zero is rounding
		return 0, false
	}
	return max(rtt, 0), true
}
