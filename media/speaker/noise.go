package speaker

const (
	// What is this much above its source's floor is more than its noise.
	aboveFloor = 6
	// The floor never rises above this level: steady sound that is louder (music, an engine) is meant to be heard.
	loudestFloor = 48
	// By so much the floor rises with a packet, in 1/fine dB: 3 dB in a second of speech, less than its pauses take back.
	floorRise = 1
)

// noiseFloor follows the quietest that a source sends: down at once, up slowly.
type noiseFloor struct {
	known bool
	loud  int // in 1/fine dB
}

// packet takes the loudness of a packet and says whether it is above the floor.
func (f *noiseFloor) packet(loud int) (above bool) {
	const most = (127 - loudestFloor) * fine
	switch {
	case !f.known:
		f.known, f.loud = true, min(loud, most)
	case loud < f.loud:
		f.loud = loud
	default:
		f.loud = min(f.loud+floorRise, most)
	}
	return loud > f.loud+aboveFloor*fine
}
