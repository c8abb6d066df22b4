package bwe

import "time"

const (
	meterBuckets = 64
	meterTime    = 10 * time.Millisecond
	steadyWindow = 500 * time.Millisecond
	shortWindow  = 200 * time.Millisecond
)

// meter measures a rate over windows of up to 640 ms. The clock may be anybody's, as long as it is always the same.
type meter struct {
	active bool
	began  time.Duration
	newest time.Duration
	bytes  [meterBuckets]int32
}

func (m *meter) add(size int, at time.Duration) {
	if !m.active {
		*m = meter{active: true, began: at, newest: at}
	}
	if at < m.newest-meterBuckets/2*meterTime {
		return
	}
	m.roll(at)
	m.bytes[bucketOf(at)] += int32(size)
}

func bucketOf(at time.Duration) int { return int(at/meterTime) & (meterBuckets - 1) }

// roll empties the buckets between the newest entry and at.
func (m *meter) roll(at time.Duration) {
	if at <= m.newest {
		return
	}
	steps := at/meterTime - m.newest/meterTime
	if steps >= meterBuckets {
		m.bytes = [meterBuckets]int32{}
	} else {
		for i := range int(steps) {
			m.bytes[bucketOf(m.newest+time.Duration(i+1)*meterTime)] = 0
		}
	}
	m.newest = at
}

// rate is what came within the window before the newest entry, 0 when that is not yet known.
func (m *meter) rate(window time.Duration) Bitrate {
	if !m.active || m.newest-m.began < window/2 {
		return 0
	}
	n := int(window / meterTime)
	sum := int64(0)
	for i := range n {
		sum += int64(m.bytes[bucketOf(m.newest-time.Duration(i)*meterTime)])
	}
	span := time.Duration(n-1)*meterTime + m.newest%meterTime
	span = min(span, m.newest-m.began)
	return Bitrate(sum * 8 * int64(time.Second) / max(int64(span), 1))
}
