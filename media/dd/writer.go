package dd

// MaxWritten is the most that Put writes: it fits a one-byte header extension.
const MaxWritten = 16

// What Put writes has a shape of its own, the same whatever the source's: one decode target, and a template for each of
// 3 x 3 layers. A receiver that is sent some of the layers of some source, and then of another, needs no more: which
// frames it needs is what it is sent, and what they refer to is said with each frame.
const (
	putSpatial  = 3
	putTemporal = 3
	putRefs     = 3
)

// Out is a descriptor to be written.
type Out struct {
	Start, End        bool
	Key               bool // the structure goes along: with the first packet of a key frame
	Number            uint16
	Spatial, Temporal uint8
	Diffs             []uint16 // at most 3 count
}

// Put writes a descriptor and returns its length, 0 if dst is shorter than MaxWritten.
func Put(dst []byte, o *Out) int {
	if len(dst) < MaxWritten {
		return 0
	}
	id := min(o.Spatial, putSpatial-1)*putTemporal + min(o.Temporal, putTemporal-1)
	if o.Start {
		id |= 0x80
	}
	if o.End {
		id |= 0x40
	}
	dst[0], dst[1], dst[2] = id, byte(o.Number>>8), byte(o.Number)
	if len(o.Diffs) == 0 && !(o.Key && o.Start) {
		return 3
	}
	w := writer{b: dst[3:MaxWritten]}
	clear(w.b)
	w.flag(o.Key && o.Start)
	w.f(0, 2) // active decode targets, custom indications: none
	w.flag(len(o.Diffs) > 0)
	w.f(0, 1) // custom chains
	if o.Key && o.Start {
		w.structure()
	}
	if len(o.Diffs) > 0 {
		for _, d := range o.Diffs[:min(len(o.Diffs), putRefs)] {
			size := uint32(1)
			for size < 3 && uint32(d-1)>>(4*size) != 0 {
				size++
			}
			w.f(size, 2)
			w.f(uint32(d-1)&0xfff, int(4*size))
		}
		w.f(0, 2)
	}
	return 3 + (w.at+7)/8
}

type writer struct {
	b  []byte
	at int
}

func (w *writer) f(v uint32, n int) {
	for n--; n >= 0; n-- {
		w.b[w.at>>3] |= byte(v>>n&1) << (7 - w.at&7)
		w.at++
	}
}

func (w *writer) flag(v bool) {
	if v {
		w.f(1, 1)
	} else {
		w.f(0, 1)
	}
}

func (w *writer) structure() {
	w.f(0, 6) // template id offset
	w.f(0, 5) // decode targets - 1
	for s := range putSpatial {
		for t := range putTemporal {
			switch {
			case t+1 < putTemporal:
				w.f(1, 2)
			case s+1 < putSpatial:
				w.f(2, 2)
			default:
				w.f(3, 2)
			}
		}
	}
	for range putSpatial * putTemporal {
		w.f(uint32(Switch), 2)
	}
	w.f(0, putSpatial*putTemporal) // no template has references
	w.f(0, 1)                      // chains: none, as a number below 2
	w.f(0, 1)                      // resolutions: not told
}
