package speaker

const (
	// quietestSize is the longest payload that Opus sends for silence, with DTX or as comfort noise.
	quietestSize = 3
	// A stream whose largest payloads are not larger than its smallest by this factor has a constant bitrate: nothing can be
	// read from it, and it counts as speech.
	varying = 1.5
	// The levels that sizes are mapped to.
	activeLevel, idleLevel, constantLevel = 32, 85, 40
	// By 1/forget per packet the bounds come together, so that they follow the stream.
	forget = 512
	// The stream is known after this many packets.
	knownAfter = 25
)

// Activity estimates the level of a source that sends none, from the size of its payloads: Opus spends bits on speech and
// few on silence. Redundant copies must not be counted in. The zero value is ready; it is one source's.
type Activity struct {
	packets      int
	small, large float64
}

// Packet gives the level of a payload, as RFC 6464 words it, and whether it is voice.
func (a *Activity) Packet(size int) (level uint8, voice bool) {
	if size <= quietestSize {
		return 127, false
	}
	s := float64(size)
	if a.packets == 0 {
		a.small, a.large = s, s
	}
	a.small = min(s, a.small+(a.large-a.small)/forget)
	a.large = max(s, a.large-(a.large-a.small)/forget)
	if a.packets < knownAfter {
		a.packets++
		return constantLevel, true // heard until it is known better
	}
	if a.large < a.small*varying {
		return constantLevel, true
	}
	share := (s - a.small) / (a.large - a.small)
	level = uint8(idleLevel - share*(idleLevel-activeLevel))
	return level, share > 0.4
}
