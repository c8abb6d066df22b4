package dd

import "errors"

// Errors of descriptors that are cut, lie about themselves, or belong to a structure that never came.
var (
	ErrShort     = errors.New("dd: descriptor too short")
	ErrInvalid   = errors.New("dd: descriptor invalid")
	ErrStructure = errors.New("dd: no structure for this descriptor")
)

// Frame is what a descriptor says about the frame that its packet is part of.
type Frame struct {
	Start, End        bool // the packet begins, ends the frame
	Number            uint16
	Spatial, Temporal uint8
	NewStructure      bool // the packet carries the structure: a key frame begins here
	Active            uint32
	Chains            [MaxTargets]uint8 // distance to the previous frame of each chain

	indications uint64
	diffCount   uint8
	diffs       [maxDiffs]uint16
}

// Indication is what the frame is to a decode target.
func (f *Frame) Indication(target int) Indication {
	return Indication(f.indications >> (2 * target) & 3)
}

// Diffs are the distances to the frames that this one refers to, in frame numbers. They belong to f.
func (f *Frame) Diffs() []uint16 { return f.diffs[:f.diffCount] }

// Reader reads the descriptors of one stream. The zero value is ready: it waits for a structure.
type Reader struct {
	Structure Structure
	known     bool
	active    uint32
	next      Structure // read here first, so that a broken descriptor spoils nothing
}

// Known says whether a structure came.
func (r *Reader) Known() bool { return r.known }

// Read reads one descriptor into f. After an error f is undefined and the reader as it was. It never allocates.
//
//	|S|E| template id (6) | frame number (16) | then, in longer descriptors:
//	|structure|active|custom dtis|custom fdiffs|custom chains| and what the flags promise
func (r *Reader) Read(b []byte, f *Frame) error {
	if len(b) < 3 {
		return ErrShort
	}
	*f = Frame{Start: b[0]&0x80 != 0, End: b[0]&0x40 != 0, Number: uint16(b[1])<<8 | uint16(b[2])}
	id := b[0] & 0x3f
	in := bits{b: b[3:]}
	var customDTIs, customDiffs, customChains, hasActive bool
	s, active := &r.Structure, r.active
	if len(b) > 3 {
		f.NewStructure, hasActive = in.flag(), in.flag()
		customDTIs, customDiffs, customChains = in.flag(), in.flag(), in.flag()
		if f.NewStructure {
			s = &r.next
			if err := s.read(&in); err != nil {
				return err
			}
			active = uint32(1)<<s.Targets - 1
		}
	}
	if !f.NewStructure && !r.known {
		return ErrStructure
	}
	if hasActive {
		active = in.f(s.Targets)
	}
	index := int(id+MaxTemplates-s.offset) % MaxTemplates
	if index >= s.count {
		return ErrInvalid
	}
	t := &s.templates[index]
	f.Spatial, f.Temporal, f.Active = t.spatial, t.temporal, active
	f.indications = t.indications
	if customDTIs {
		f.indications = 0
		for d := range s.Targets {
			f.indications |= uint64(in.f(2)) << (2 * d)
		}
	}
	if err := f.readDiffs(&in, t, customDiffs); err != nil {
		return err
	}
	f.Chains = t.chains
	if customChains {
		for c := range s.Chains {
			f.Chains[c] = uint8(in.f(8))
		}
	}
	if in.short {
		return ErrShort
	}
	if f.NewStructure {
		r.Structure, r.known = r.next, true
	}
	r.active = active
	return nil
}

func (f *Frame) readDiffs(in *bits, t *template, custom bool) error {
	if !custom {
		f.diffCount = t.diffCount
		for i, d := range t.diffs {
			f.diffs[i] = uint16(d)
		}
		return nil
	}
	for size := in.f(2); size != 0; size = in.f(2) {
		if f.diffCount == maxDiffs {
			return ErrInvalid
		}
		f.diffs[f.diffCount] = uint16(in.f(int(4*size))) + 1
		f.diffCount++
	}
	return nil
}

// Opens says that who decodes this frame may take all temporal layers of its spatial layer from here on.
func (r *Reader) Opens(f *Frame) bool {
	d := r.Structure.Target(f.Spatial, MaxSpatial)
	return d >= 0 && f.Indication(d) == Switch
}

// Key says that the frame refers to nothing: a decoder may start with it.
func (f *Frame) Key() bool { return f.NewStructure && f.Start && f.Spatial == 0 && f.diffCount == 0 }
