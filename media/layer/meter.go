package layer

import "time"

// Bitrate is in bit/s.
type Bitrate int64

const (
	buckets    = 10
	bucketTime = 100 * time.Millisecond
)

// meter measures a bitrate over the last second in buckets.
type meter struct {
	began  time.Duration
	index  int64 // bucket of the newest packet
	active bool
	bytes  [buckets]int64
}

func (m *meter) add(bytes int, now time.Duration) {
	if !m.active {
		*m = meter{active: true, began: now, index: int64(now / bucketTime)}
	}
	m.roll(now)
	m.bytes[m.index%buckets] += int64(bytes)
}

// roll clears the buckets that passed without a packet.
func (m *meter) roll(now time.Duration) {
	index := int64(now / bucketTime)
	if index-m.index >= buckets {
		*m = meter{active: true, began: now, index: index}
		return
	}
	for m.index < index {
		m.index++
		m.bytes[m.index%buckets] = 0
	}
}

// rate is the bitrate now; a stream that has just begun is measured over the time it ran, at least 200 ms.
func (m *meter) rate(now time.Duration) Bitrate {
	if !m.active {
		return 0
	}
	index := int64(now / bucketTime)
	var sum int64
	for i := max(index-buckets+1, 0); i <= min(index, m.index); i++ {
		if m.index-i < buckets {
			sum += m.bytes[i%buckets]
		}
	}
	span := time.Duration(buckets-1)*bucketTime + now%bucketTime
	span = max(min(span, now-m.began), 2*bucketTime)
	return Bitrate(sum * 8 * int64(time.Second) / int64(span))
}
