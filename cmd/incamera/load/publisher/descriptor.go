package publisher

// The dependency descriptor (AV1 RTP specification, annex A) of an L3T3_KEY stream: after a key picture, in which each
// spatial layer refers to the one below, the spatial layers go on independently. Four templates for each spatial layer:
// its part of a key picture, then its frames of T0, T1, T2. What a frame refers to is said with each frame, since layers
// come and go.
const (
	temporal  = 3
	perLayer  = 1 + temporal
	targets   = Layers * temporal
	switching = 2 // the indications
	required  = 3
	droppable = 1
)

// layerFrame is what a descriptor says of a frame.
type layerFrame struct {
	start, end bool // of the packet in the frame
	key        bool
	number     uint16
	s, t       uint8
	diff       uint16 // distance to the frame that it refers to; 0: none
	sizes      *[Layers][2]uint16
}

func (f *layerFrame) append(dst []byte) []byte {
	id := f.s*perLayer + 1 + f.t
	if f.key {
		id = f.s * perLayer
	}
	if f.start {
		id |= 0x80
	}
	if f.end {
		id |= 0x40
	}
	dst = append(dst, id, byte(f.number>>8), byte(f.number))
	structure := f.key && f.start && f.s == 0
	custom := !f.key && f.diff != 0
	if !structure && !custom {
		return dst
	}
	w := bitWriter{}
	w.flag(structure)
	w.put(0, 2) // active targets, indications: none of its own
	w.flag(custom)
	w.put(0, 1) // chains
	if structure {
		w.structure(f.sizes)
	}
	if custom {
		size := uint32(1)
		for size < 3 && uint32(f.diff-1)>>(4*size) != 0 {
			size++
		}
		w.put(size, 2)
		w.put(uint32(f.diff-1), int(4*size))
		w.put(0, 2)
	}
	return append(dst, w.b...)
}

type bitWriter struct {
	b    []byte
	free int // bits in the last byte
}

func (w *bitWriter) put(v uint32, n int) {
	for n--; n >= 0; n-- {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.free--
		w.b[len(w.b)-1] |= byte(v>>n&1) << w.free
	}
}

func (w *bitWriter) flag(v bool) {
	if v {
		w.put(1, 1)
	} else {
		w.put(0, 1)
	}
}

func (w *bitWriter) structure(sizes *[Layers][2]uint16) {
	w.put(0, 6)         // template id offset
	w.put(targets-1, 5) // decode targets
	for s := range Layers {
		w.put(0, 2) // from the key picture's template to T0 of the same layer
		w.put(1, 2)
		w.put(1, 2)
		if s+1 < Layers {
			w.put(2, 2)
		} else {
			w.put(3, 2)
		}
	}
	for s := range Layers {
		for k := range perLayer {
			for target := range targets {
				w.put(indication(s, k, target/temporal, target%temporal), 2)
			}
		}
	}
	for s := range Layers {
		for k := range perLayer {
			if k == 0 && s > 0 {
				w.put(1, 1) // the key picture's layer below is the frame before
				w.put(0, 4)
			}
			w.put(0, 1)
		}
	}
	w.put(0, 3) // chains: none, as a number below 10
	w.put(1, 1)
	for _, size := range sizes {
		w.put(uint32(size[0]-1), 16)
		w.put(uint32(size[1]-1), 16)
	}
}

// indication is what template k (0: key picture, then T0, T1, T2) of spatial layer s is to a decode target.
func indication(s, k, targetS, targetT int) uint32 {
	switch t := k - 1; {
	case k == 0 && targetS >= s:
		return switching
	case k == 0 || targetS != s || targetT < t:
		return 0
	case t == 0:
		return switching
	case t == targetT:
		return droppable
	default:
		return required
	}
}
