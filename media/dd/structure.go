package dd

// The most that one structure may hold. The first three are the field sizes of the specification, the last is ours:
// encoders refer to eight frames at most.
const (
	MaxTargets   = 32
	MaxTemplates = 64
	MaxSpatial   = 8
	maxDiffs     = 8
)

// Indication says what a frame is to a decode target.
type Indication uint8

// The indications.
const (
	NotPresent  Indication = iota // the target does without the frame
	Discardable                   // the target has the frame, and nothing in the target refers to it
	Switch                        // who can decode this frame can decode the target from here on
	Required
)

// template is what frames of one kind have in common.
type template struct {
	spatial, temporal uint8
	diffCount         uint8
	indications       uint64 // two bits for each decode target
	diffs             [maxDiffs]uint8
	chains            [MaxTargets]uint8
}

// Structure is the shape of a stream: its decode targets and the kinds of its frames. It comes with key frames and is
// needed to read every descriptor until the next one.
type Structure struct {
	Targets   int // decode targets, 1..32
	Chains    int
	Spatial   int // spatial layers
	Temporal  int // temporal layers of the layer that has most
	Protected [MaxTargets]uint8
	// Layer of each decode target: the highest it contains.
	TargetSpatial, TargetTemporal [MaxTargets]uint8
	// Width and Height of each spatial layer; 0: not told.
	Width, Height [MaxSpatial]uint16

	offset    uint8
	count     int
	templates [MaxTemplates]template
}

func (s *Structure) read(r *bits) error {
	*s = Structure{}
	s.offset = uint8(r.f(6))
	s.Targets = int(r.f(5)) + 1
	if err := s.readLayers(r); err != nil {
		return err
	}
	for i := range s.count {
		for d := range s.Targets {
			s.templates[i].indications |= uint64(r.f(2)) << (2 * d)
		}
	}
	for i := range s.count {
		t := &s.templates[i]
		for r.flag() {
			diff := uint8(r.f(4)) + 1
			if int(t.diffCount) == maxDiffs {
				return ErrInvalid
			}
			t.diffs[t.diffCount] = diff
			t.diffCount++
		}
	}
	s.readChains(r)
	if r.flag() {
		for i := range s.Spatial {
			s.Width[i], s.Height[i] = uint16(r.f(16))+1, uint16(r.f(16))+1
		}
	}
	if r.short {
		return ErrShort
	}
	s.layersOfTargets()
	return nil
}

func (s *Structure) readLayers(r *bits) error {
	spatial, temporal := uint8(0), uint8(0)
	for {
		if s.count == MaxTemplates {
			return ErrInvalid
		}
		s.templates[s.count].spatial, s.templates[s.count].temporal = spatial, temporal
		s.count++
		s.Temporal = max(s.Temporal, int(temporal)+1)
		next := r.f(2)
		if r.short {
			return ErrShort
		}
		switch next {
		case 1:
			temporal++
		case 2:
			spatial, temporal = spatial+1, 0
		case 3:
			s.Spatial = int(spatial) + 1
			return nil
		}
		if temporal >= MaxSpatial || spatial >= MaxSpatial {
			return ErrInvalid
		}
	}
}

func (s *Structure) readChains(r *bits) {
	s.Chains = int(r.ns(uint32(s.Targets) + 1))
	if s.Chains == 0 {
		return
	}
	for d := range s.Targets {
		s.Protected[d] = uint8(r.ns(uint32(s.Chains)))
	}
	for i := range s.count {
		for c := range s.Chains {
			s.templates[i].chains[c] = uint8(r.f(4))
		}
	}
}

// layersOfTargets finds the layer of each decode target: the highest among the frames that are present in it.
func (s *Structure) layersOfTargets() {
	for d := range s.Targets {
		for i := range s.count {
			t := &s.templates[i]
			if t.indications>>(2*d)&3 == 0 {
				continue
			}
			s.TargetSpatial[d] = max(s.TargetSpatial[d], t.spatial)
			s.TargetTemporal[d] = max(s.TargetTemporal[d], t.temporal)
		}
	}
}

// Target finds the decode target of a layer, or the nearest one below it within the spatial layer. -1: there is none.
func (s *Structure) Target(spatial, temporal uint8) int {
	best := -1
	for d := range s.Targets {
		if s.TargetSpatial[d] == spatial && s.TargetTemporal[d] <= temporal &&
			(best < 0 || s.TargetTemporal[d] > s.TargetTemporal[best]) {
			best = d
		}
	}
	return best
}
