package publisher

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/stamp"
)

// camera makes the packets of pictures.
type camera interface {
	lanes() []*lane
	picture(moment) []*packet
	// want says which layers are watched: one of rid, or how many spatial ones (0: all).
	want(rid string, on bool, spatial int)
	// size is what a picture has in bytes, all layers that are sent together.
	size() int
}

// moment is when a picture is taken, the n-th.
type moment struct {
	n     uint64
	since time.Duration
	now   time.Time
	limit int // bytes of a picture, all layers together; 0: none
}

// fit shrinks a size to a limit.
func fit(size, limit int) int {
	if limit > 0 {
		return min(size, limit)
	}
	return size
}

// vary makes pictures differ in size as those of encoders do.
func vary(size int) int { return size * (85 + rand.IntN(31)) / 100 }

// simulcast is VP8 in separate streams; single sends the largest only, without a rid.
type simulcast struct{ all []*lane }

func newSimulcast(kbit [Layers]int, fps int, single bool) *simulcast {
	c := &simulcast{}
	for l, rid := range Rids {
		if single && l < Layers-1 {
			continue
		}
		if single {
			rid = ""
		}
		lane := newLane(peer.CameraMID, rid, peer.PTVP8, peer.PTVP8RTX, 90000)
		lane.layer, lane.picture, lane.bytes = uint8(l), Pictures[l], kbit[l]*1000/8/fps
		lane.wanted.Store(single || l < Layers-1) // as the SDK: the highest waits until it is asked for
		c.all = append(c.all, lane)
	}
	return c
}

func (c *simulcast) lanes() []*lane { return c.all }

func (c *simulcast) size() (sum int) {
	for _, l := range c.all {
		if l.wanted.Load() && !l.held {
			sum += l.bytes
		}
	}
	return sum
}

func (c *simulcast) want(rid string, on bool, _ int) {
	for _, l := range c.all {
		if l.rid == rid && rid != "" {
			l.want(on)
		}
	}
}

func (c *simulcast) picture(m moment) (out []*packet) {
	left := m.limit
	for i, l := range c.all {
		if !l.wanted.Load() {
			continue
		}
		size := l.bytes
		if i == 0 {
			size = fit(size, m.limit) // the lowest is always sent, as small as need be
		}
		held := m.limit > 0 && size > left
		if left -= size; l.held && !held {
			l.ask.Store(true)
		}
		if l.held = held; held {
			continue
		}
		frame, used := l.picture.frame(max(vary(size), stamp.Len), l.takeKey(m.now))
		if len(frame) < used+stamp.Len {
			frame = append(frame, make([]byte, stamp.Len)...)
		}
		id := l.pictureIDStart + uint16(m.n)&0x3fff
		out = l.split(out, frame, used, l.ts(m.since), l.layer, func(first, _ bool) []byte { return Descriptor(first, id) })
	}
	return out
}

// svc is VP9 in one stream of three spatial and three temporal layers.
type svc struct {
	lane   *lane
	bytes  [Layers]int
	active int // spatial layers that are sent; one more begins with a key picture
	wanted int

	wish   chan int // holds the newest one
	number uint16
	pos    int // in the temporal pattern, from the key picture on
	tl0    uint8
	last   [Layers][temporal]uint16 // numbers of the newest frames
}

// pattern is the temporal layer of each picture after a key picture, and the layer that it refers to.
var pattern = [4]struct{ t, ref uint8 }{{0, 0}, {2, 0}, {1, 0}, {2, 1}}

var sizes = [Layers][2]uint16{{320, 180}, {640, 360}, {1280, 720}}

func newSVC(kbit [Layers]int, fps int) *svc {
	c := &svc{lane: newLane(peer.CameraMID, "", peer.PTVP9, peer.PTVP9RTX, 90000), active: Layers, wanted: Layers, wish: make(chan int, 1)}
	for l := range Layers {
		c.bytes[l] = kbit[l] * 1000 / 8 / fps
	}
	return c
}

func (c *svc) lanes() []*lane { return []*lane{c.lane} }

func (c *svc) size() (sum int) {
	for _, b := range c.bytes[:c.active] {
		sum += b
	}
	return sum
}

// layers is how many are to be sent: as many as are watched and fit.
func (c *svc) layers(limit int) int {
	sum := 0
	for s, b := range c.bytes[:c.wanted] {
		if sum += b; s > 0 && limit > 0 && sum > limit {
			return s
		}
	}
	return c.wanted
}

func (c *svc) want(_ string, on bool, spatial int) {
	if !on {
		c.lane.want(false)
		return
	}
	if spatial <= 0 || spatial > Layers {
		spatial = Layers
	}
	select { // the newest wish counts
	case <-c.wish:
	default:
	}
	c.wish <- spatial
	c.lane.want(true)
}

func (c *svc) picture(m moment) (out []*packet) {
	select {
	case c.wanted = <-c.wish:
	default:
	}
	if !c.lane.wanted.Load() {
		return nil
	}
	target := c.layers(m.limit)
	if c.active = min(c.active, target); c.active < target {
		c.lane.ask.Store(true)
	}
	key := c.lane.takeKey(m.now)
	if key {
		c.pos, c.active = 0, target
	}
	step := pattern[c.pos%len(pattern)]
	if step.t == 0 {
		c.tl0++
	}
	c.pos++
	id := c.lane.pictureIDStart + uint16(m.n)&0x3fff
	for s := range c.active {
		f := layerFrame{key: key, number: c.number, s: uint8(s), t: step.t, sizes: &sizes}
		if !key {
			f.diff = c.number - c.last[s][step.ref]
		}
		if c.last[s][step.t] = c.number; key {
			for t := range temporal {
				c.last[s][t] = c.number
			}
		}
		c.number++
		size := c.bytes[s]
		if s == 0 {
			size = fit(size, m.limit)
		}
		size = max(vary(size), stamp.Len)
		if key {
			size *= keySize
		}
		from := len(out)
		out = c.lane.split(out, make([]byte, size), 0, c.lane.ts(m.since), uint8(s), func(first, last bool) []byte {
			return c.payloadHead(&f, first, last, id)
		})
		for i, p := range out[from:] {
			f.start, f.end = i == 0, i == len(out)-from-1
			p.descriptor = f.append(nil)
			p.marker = f.end && s == c.active-1
		}
	}
	return out
}

// payloadHead is the VP9 payload descriptor (RFC 9628), non-flexible.
func (c *svc) payloadHead(f *layerFrame, first, last bool, id uint16) []byte {
	b := []byte{0x80 | 0x20, 0x80 | byte(id>>8)&0x7f, byte(id), f.t<<5 | f.s<<1, c.tl0}
	if f.t > 0 {
		b[3] |= 0x10 // who takes this frame may take all of its layer from here on
	}
	if !f.key {
		b[0] |= 0x40
	} else if f.s > 0 {
		b[3] |= 1
	}
	if first {
		b[0] |= 0x08
	}
	if last {
		b[0] |= 0x04
	}
	if f.key && first && f.s == 0 {
		b[0] |= 0x02
		b = append(b, (Layers-1)<<5|0x10)
		for _, size := range sizes {
			b = binary.BigEndian.AppendUint16(b, size[0])
			b = binary.BigEndian.AppendUint16(b, size[1])
		}
	}
	return b
}
