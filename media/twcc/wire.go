package twcc

import "time"

// The wire format: RTCP header (4), sender and media SSRC (8), base sequence number (2), status count (2), reference time
// (3), feedback count (1), status chunks (2 each), deltas (1 or 2 each), padding to a word.
const (
	headLen     = 20
	packetType  = 205
	format      = 15
	refUnit     = 64 * time.Millisecond
	deltaUnit   = 250 * time.Microsecond
	refTicks    = int64(refUnit / deltaUnit)
	maxRunChunk = 1<<13 - 1
)

// The status of a packet.
const (
	statusLost  = 0
	statusSmall = 1 // arrived, delta in one unsigned byte
	statusLarge = 2 // arrived, delta in two signed bytes
)
