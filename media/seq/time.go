package seq

import "time"

// RTPTime is a timestamp on an RTP stream's own wrapping clock.
type RTPTime uint32

// Sub is the distance from u to t in ticks; it is right while the two are less than half the range apart.
func (t RTPTime) Sub(u RTPTime) int32 { return int32(t - u) }

// After says whether t comes after u in wrapping order.
func (t RTPTime) After(u RTPTime) bool { return int32(t-u) > 0 }

// ClockRate is the ticks per second of an RTP clock.
type ClockRate uint32

// The clock rates of the codecs that are spoken here.
const (
	AudioClock ClockRate = 48000
	VideoClock ClockRate = 90000
)

// Ticks turns a duration into ticks, rounded to the nearest. It wraps like the timestamp does.
func (c ClockRate) Ticks(d time.Duration) uint32 {
	sec, frac := int64(d/time.Second), int64(d%time.Second)
	half := int64(time.Second / 2)
	if frac < 0 {
		half = -half
	}
	return uint32(sec*int64(c) + (frac*int64(c)+half)/int64(time.Second))
}

// Duration turns a number of ticks into a duration.
func (c ClockRate) Duration(ticks int32) time.Duration {
	if c == 0 {
		return 0
	}
	return time.Duration(int64(ticks) * int64(time.Second) / int64(c))
}
