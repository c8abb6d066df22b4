package publisher

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"incamera/cmd/incamera/load/stamp"
	"incamera/media/rtp"
)

// packet is one that waits for its turn, or is kept for a repair.
type packet struct {
	lane       *lane
	payload    []byte
	ts         uint32
	marker     bool
	stamped    bool // the end of the payload is free for a stamp
	layer      uint8
	level      uint8
	descriptor []byte
}

// lane is one stream: sound, a simulcast layer, or the camera with all its layers.
type lane struct {
	// static
	mid, rid       string
	ssrc, rtx      uint32
	pt, rtxPT      uint8
	clock          uint32
	level          bool // packets carry an audio level
	bytes          int  // of each picture
	origin         uint32
	layer          uint8
	picture        *Picture
	pictureIDStart uint16

	wanted atomic.Bool
	ask    atomic.Bool // for a key frame

	// owned by Run
	held            bool // the server's limit leaves no room
	index, rtxIndex uint64
	packets, octets uint32
	keyAt           time.Time
	kept            []kept // nil: nothing is repeated
}

// kept is a sent packet. Its payload lives in buf.
type kept struct {
	valid  bool
	seq    uint16
	ts     uint32
	marker bool
	n      int
	buf    [maxPayload + 8]byte
}

const (
	// maxPayload leaves room for headers, extensions and authentication within 1200 bytes.
	maxPayload = 1100
	keptMost   = 128 // packets of a stream that can be repeated
	keyGap     = 300 * time.Millisecond
)

func newLane(mid, rid string, pt, rtxPT uint8, clock uint32) *lane {
	l := &lane{mid: mid, rid: rid, pt: pt, rtxPT: rtxPT, clock: clock}
	l.ssrc, l.rtx = rand.Uint32()|1, rand.Uint32()|1
	l.origin = rand.Uint32()
	l.index, l.rtxIndex = uint64(rand.IntN(1<<14)), uint64(rand.IntN(1<<14))
	l.pictureIDStart = uint16(rand.IntN(1 << 14))
	if rtxPT != 0 {
		l.kept = make([]kept, keptMost)
	}
	l.wanted.Store(true)
	l.ask.Store(true)
	return l
}

// ts is the stream's time after d.
func (l *lane) ts(d time.Duration) uint32 {
	return l.origin + uint32(uint64(d)*uint64(l.clock)/uint64(time.Second))
}

// takeKey says whether the next picture must stand by itself: browsers make one in 300 ms at most.
func (l *lane) takeKey(now time.Time) bool {
	if !l.ask.Load() || now.Sub(l.keyAt) < keyGap {
		return false
	}
	l.ask.Store(false)
	l.keyAt = now
	return true
}

// want switches a layer on or off.
func (l *lane) want(on bool) {
	if l.wanted.Swap(on) != on && on {
		l.ask.Store(true)
	}
}

// split cuts a frame into packets of equal size, give or take a byte, as libwebrtc does. head makes what stands before
// each part; from used on the frame is free for stamps.
func (l *lane) split(dst []*packet, frame []byte, used int, ts uint32, layer uint8, head func(first, last bool) []byte) []*packet {
	n := (len(frame) + maxPayload - 1) / maxPayload
	for i := range n {
		from, to := len(frame)*i/n, len(frame)*(i+1)/n
		payload := append(head(i == 0, i == n-1), frame[from:to]...)
		dst = append(dst, &packet{
			lane: l, payload: payload, ts: ts, marker: i == n-1, layer: layer,
			stamped: to-stamp.Len >= max(from, used),
		})
	}
	return dst
}

// keep remembers a packet in case the server asks for it again.
func (l *lane) keep(p *packet, seq uint16) {
	if l.kept == nil {
		return
	}
	k := &l.kept[int(seq)%len(l.kept)]
	k.valid, k.seq, k.ts, k.marker = true, seq, p.ts, p.marker
	k.n = copy(k.buf[:], p.payload)
}

// again finds a packet with the head of its repair (RFC 4588): nil when it is gone.
func (l *lane) again(seq uint16, buf []byte) (payload []byte, k *kept) {
	if l.kept == nil {
		return nil, nil
	}
	k = &l.kept[int(seq)%len(l.kept)]
	if !k.valid || k.seq != seq {
		return nil, nil
	}
	rtp.PutOSN(buf, seq)
	return buf[:rtp.OSNLen+copy(buf[rtp.OSNLen:], k.buf[:k.n])], k
}
