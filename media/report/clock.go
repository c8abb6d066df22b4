package report

import (
	"time"

	"incamera/media/seq"
)

// The minimum is taken over the last offsetWindow buckets of offsetBucket each, so that it follows a clock that drifts.
const (
	offsetBucket = 10 * time.Second
	offsetWindow = 6
)

// ClockMap maps one publisher's NTP clock to the server's: offset = the minimum of arrival − NTP over a window, as the
// fastest report is the least delayed. One for all streams of a publisher. The zero value is ready.
type ClockMap struct {
	base    NTP // the first NTP seen: offsets are small differences to it
	buckets [offsetWindow]struct {
		index  int64 // 0: empty
		offset time.Duration
	}
	known bool
}

// Observe takes a publisher's SR time. A clock that was set (an offset that moved by more than a second) begins anew.
func (m *ClockMap) Observe(ntp NTP, now time.Duration) {
	if ntp == 0 {
		return
	}
	if m.known {
		if d := now - ntp.Sub(m.base) - m.offset(); d > time.Second || d < -time.Second {
			*m = ClockMap{}
		}
	}
	if !m.known {
		m.base, m.known = ntp, true
	}
	offset := now - ntp.Sub(m.base)
	index := int64(now/offsetBucket) + 1
	b := &m.buckets[index%offsetWindow]
	if b.index != index || offset < b.offset {
		b.index, b.offset = index, offset
	}
}

// offset is the smallest of the buckets that are within the window of the newest.
func (m *ClockMap) offset() time.Duration {
	newest := int64(0)
	for i := range m.buckets {
		newest = max(newest, m.buckets[i].index)
	}
	least := time.Duration(1<<63 - 1)
	for i := range m.buckets {
		if b := &m.buckets[i]; b.index != 0 && b.index > newest-offsetWindow {
			least = min(least, b.offset)
		}
	}
	return least
}

// Server converts a publisher's NTP time to the server's monotonic time. False before the first observation.
func (m *ClockMap) Server(ntp NTP) (time.Duration, bool) {
	if !m.known {
		return 0, false
	}
	return ntp.Sub(m.base) + m.offset(), true
}

// SourceClock knows what RTP time a source's clock shows now. The zero value with Clock set is ready.
type SourceClock struct {
	Clock seq.ClockRate

	hasSR bool
	ntp   NTP
	rtp   uint32 // at ntp

	hasPacket bool
	ts        uint32 // of the packet that was least late
	at        time.Duration
}

// Packet gives an anchor by arrival, used until the first SR. The anchor is the packet that came earliest for its
// timestamp.
func (c *SourceClock) Packet(ts uint32, now time.Duration) {
	if c.hasSR {
		return
	}
	if c.hasPacket {
		due := c.at + c.Clock.Duration(int32(ts-c.ts))
		if now >= due && now-due < time.Second {
			return
		}
	}
	c.ts, c.at, c.hasPacket = ts, now, true
}

// SenderReport takes the publisher's SR for this source, after its ClockMap has observed it.
func (c *SourceClock) SenderReport(ntp NTP, rtp uint32) {
	if ntp == 0 {
		return
	}
	c.ntp, c.rtp, c.hasSR = ntp, rtp, true
}

// At is the source's RTP time at now. False before anything is known.
func (c *SourceClock) At(m *ClockMap, now time.Duration) (uint32, bool) {
	if c.hasSR {
		if t, ok := m.Server(c.ntp); ok {
			return c.rtp + c.Clock.Ticks(now-t), true
		}
	}
	if c.hasPacket {
		return c.ts + c.Clock.Ticks(now-c.at), true
	}
	return 0, false
}
