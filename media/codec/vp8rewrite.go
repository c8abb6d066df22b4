package codec

import "encoding/binary"

// vp8Frames is how many frames are remembered, for late and retransmitted packets: more than two seconds at 60 a second.
// A power of two.
const vp8Frames = 128

const pidMask = 0x7fff

// vp8Frame is where one source frame went.
type vp8Frame struct {
	epoch   uint16
	in, out uint16
	tl0Off  uint8
	state   uint8
}

const (
	frameUnknown uint8 = iota
	frameKept
	frameDropped
)

// VP8Map keeps picture id and TL0PICIDX of one slot continuous over source switches and dropped frames. It works in
// place, on the outgoing copy. The zero value is ready. Memory is fixed; nothing allocates.
type VP8Map struct {
	epoch           uint16
	inEpoch, hasTL0 bool // the current epoch has a first frame; a first TL0PICIDX
	ever, everTL0   bool // something went out before
	off             uint16
	tl0Off          uint8
	highIn          uint16
	lastOut         uint16
	lastTL0         uint8
	frames          [vp8Frames]vp8Frame
}

// Switch says that packets of epoch (rewrite.Stream.Epoch) come from a new source: the first picture of that epoch gets
// last+1, whatever its own id.
func (m *VP8Map) Switch(epoch uint16) {
	m.epoch = epoch
	m.inEpoch, m.hasTL0 = false, false
}

// Drop says that the frame of this payload (source bytes) is not forwarded, so that its picture id leaves no gap.
// Saying it for every packet of the frame does no harm.
func (m *VP8Map) Drop(epoch uint16, payload []byte) {
	var d vp8Desc
	if parseVP8(payload, &d) != nil || d.pidOff == 0 || epoch != m.epoch || !m.inEpoch {
		return
	}
	in, ahead := m.place(&d)
	if ahead <= 0 {
		return
	}
	m.reserve(ahead - 1)
	m.highIn = in
	m.off = (m.off + 1) & pidMask
	m.frames[in%vp8Frames] = vp8Frame{epoch: epoch, in: in, state: frameDropped}
}

// Rewrite changes the payload in place. It is right for fresh packets and for retransmissions (give the epoch of the
// packet's origin). False: the frame is unknown or too old, do not send the packet.
func (m *VP8Map) Rewrite(epoch uint16, payload []byte) bool {
	var d vp8Desc
	if parseVP8(payload, &d) != nil {
		return false
	}
	if epoch == m.epoch {
		m.learnTL0(&d)
	}
	if d.pidOff == 0 {
		if d.tl0Off != 0 && epoch == m.epoch {
			m.putTL0(payload, &d, m.tl0Off)
		}
		return true
	}
	if epoch == m.epoch {
		m.learn(&d)
	}
	e := &m.frames[d.pid%vp8Frames]
	width := uint16(0x7f)
	if d.pidLong {
		width = pidMask
	}
	if e.state != frameKept || e.epoch != epoch || (e.in^d.pid)&width != 0 {
		return false
	}
	if epoch == m.epoch && int16((e.out-m.lastOut)<<1) > 0 { // came late, and all after it were dropped
		m.lastOut = e.out
	}
	if d.pidLong {
		binary.BigEndian.PutUint16(payload[d.pidOff:], 0x8000|e.out)
	} else {
		payload[d.pidOff] = byte(e.out & 0x7f)
	}
	if d.tl0Off != 0 {
		m.putTL0(payload, &d, e.tl0Off)
	}
	return true
}

// place unwraps the picture id against the newest one of the source: its 15-bit value, and how far ahead it is.
func (m *VP8Map) place(d *vp8Desc) (in uint16, ahead int) {
	if d.pidLong {
		ahead = int(int16((d.pid-m.highIn)<<1) >> 1)
	} else {
		ahead = int(int8(uint8(d.pid-m.highIn)<<1) >> 1)
	}
	return (m.highIn + uint16(ahead)) & pidMask, ahead
}

// reserve keeps places for n frames after the newest that were skipped over: they may still come.
func (m *VP8Map) reserve(n int) {
	for i := max(1, n-vp8Frames+1); i <= n; i++ {
		in := (m.highIn + uint16(i)) & pidMask
		m.frames[in%vp8Frames] = vp8Frame{epoch: m.epoch, in: in, out: (in - m.off) & pidMask, tl0Off: m.tl0Off, state: frameKept}
	}
}

// learn gives a frame of the current epoch its place, if it is new.
func (m *VP8Map) learn(d *vp8Desc) {
	if !m.inEpoch {
		m.inEpoch = true
		out := d.pid
		if m.ever {
			out = (m.lastOut + 1) & pidMask
		}
		m.off = (d.pid - out) & pidMask
		m.highIn = (d.pid - 1) & pidMask
	}
	_, ahead := m.place(d)
	if ahead <= 0 {
		return
	}
	m.reserve(ahead)
	m.highIn = (m.highIn + uint16(ahead)) & pidMask
	m.lastOut = (m.highIn - m.off) & pidMask
	m.ever = true
}

// learnTL0 sets the TL0PICIDX offset at the first packet of an epoch that has one.
func (m *VP8Map) learnTL0(d *vp8Desc) {
	if d.tl0Off == 0 || m.hasTL0 {
		return
	}
	m.hasTL0 = true
	m.tl0Off = 0
	if m.everTL0 {
		m.tl0Off = d.tl0 - (m.lastTL0 + 1)
	}
}

func (m *VP8Map) putTL0(payload []byte, d *vp8Desc, off uint8) {
	out := d.tl0 - off
	payload[d.tl0Off] = out
	if !m.everTL0 || int8(out-m.lastTL0) > 0 {
		m.lastTL0, m.everTL0 = out, true
	}
}
