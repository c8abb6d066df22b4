package window

import "time"

// Min is the least value of the last one to two halves of a window: exact enough for a base delay, without keeping
// the values. The zero value with a Half is ready to use.
type Min struct {
	Half time.Duration

	since        time.Duration // when the newer half began
	older, newer time.Duration
	any          bool
}

// Add takes in a value that was seen at a time; times must not go back.
func (m *Min) Add(v, at time.Duration) {
	switch {
	case !m.any || at-m.since >= 2*m.Half:
		m.any, m.since, m.older, m.newer = true, at, v, v
	case at-m.since >= m.Half:
		m.since, m.older, m.newer = m.since+m.Half, m.newer, v
	default:
		m.newer = min(m.newer, v)
	}
}

// Value is 0 before the first Add.
func (m *Min) Value() time.Duration { return min(m.older, m.newer) }
