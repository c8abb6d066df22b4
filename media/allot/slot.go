package allot

import (
	"math"
	"time"

	"incamera/media/layer"
)

// MaxPoints is how many points of one source are looked at; what is above them is ignored.
const MaxPoints = 16

// None is the index of no point.
const None = -1

// Point is one way to show a source.
type Point struct {
	Bitrate       layer.Bitrate // measured; of a point that is off: what it would cost
	Width, Height uint16        // 0: not known
	Spatial       uint8         // points with the same number differ only in frames per second
	Off           bool          // the publisher does not send it now
}

// Slot is one picture: what the viewer wants of it, how it can be shown, and what comes out. It is kept between calls:
// it carries the memory that keeps pictures from flapping.
type Slot struct {
	// in
	Source        uint64  // whom the points are about; 0: nobody
	Width, Height uint16  // of the element, in its pixels; 0: no limit
	Hidden        bool    // nobody looks
	Screen        bool    // a shared screen: text must be legible
	Pinned        bool    // the viewer chose this picture
	Speaker       bool    // who speaks now
	Points        []Point // ascending: sizes first, frames per second within a size
	Current       int     // what was granted last, None: nothing, or it is not in Points any more

	// out
	Target int  // the point to show, None: nothing
	Ask    int  // the point that the publisher is asked for: below Target only when what fits the element is off; None: nothing
	Need   int  // the point that the element has use for, whatever it costs; None: nothing
	Paused bool // it could be shown, but the link is too slow for it

	// memory
	source uint64
	paused bool
	ask    int
	rising bool // more than Current has been affordable since
	since  time.Duration
	upTo   int  // the most that was affordable all of that time
	back   bool // a paused picture: it has been clearly affordable since
	backAt time.Duration
	shown  bool // once, of this source

	// working values of one call
	fresh   bool
	current int
	quality [MaxPoints]int32
	chains  [2]chain // of living points; of all points
	want    int      // with the whole budget
	safe    int      // with headroom
	sure    int      // clearly
	asked   int      // with the whole budget, if all points were on
	askSafe int      // with headroom, if all points were on
	next    int
	level   int // place in the chain while planning
}

const (
	living = iota
	all
)

// chain lists the points worth climbing, cheapest first, up to what the element needs.
type chain struct {
	n     int
	index [MaxPoints]uint8
}

func (c *chain) top() int {
	if c.n == 0 {
		return None
	}
	return int(c.index[c.n-1])
}

// below is the highest point of the chain that is not above i.
func (c *chain) below(i int) int {
	for k := c.n - 1; k >= 0; k-- {
		if int(c.index[k]) <= i {
			return int(c.index[k])
		}
	}
	return None
}

// A layer covers an element when it is enlarged by no more than this, in percent. What is shown may be enlarged a little
// more before something larger is taken, and something smaller must do without any: else an element at the border
// would switch to and fro.
const (
	enlarge     = 115
	enlargeKept = 130
	enlargeDown = 100
)

func (s *Slot) covers(p *Point, percent uint32) bool {
	if s.Width == 0 && s.Height == 0 || p.Width == 0 || p.Height == 0 {
		return false
	}
	return s.Width != 0 && uint32(s.Width)*100 <= uint32(p.Width)*percent ||
		s.Height != 0 && uint32(s.Height)*100 <= uint32(p.Height)*percent
}

// need is the last point that the element has use for: all frames of the smallest size that covers it.
func (s *Slot) need(points []Point, mode int) int {
	need := None
	for i := range points {
		p := &points[i]
		if mode == living && p.Off {
			continue
		}
		if need != None && points[need].Spatial != p.Spatial {
			limit := uint32(enlarge)
			if s.current != None {
				switch at := points[s.current].Spatial; {
				case points[need].Spatial == at:
					limit = enlargeKept
				case points[need].Spatial < at:
					limit = enlargeDown
				}
			}
			if s.covers(&points[need], limit) {
				return need
			}
		}
		need = i
	}
	return need
}

// prepare works out what climbing is worth.
func (s *Slot) prepare() {
	points := s.points()
	s.current = s.Current
	if s.current < 0 || s.current >= len(points) || points[s.current].Off {
		s.current = None
	}
	if s.source != s.Source {
		s.source, s.paused, s.rising, s.back, s.shown, s.ask = s.Source, false, false, false, false, None
		s.current = None
	}
	for mode := range s.chains {
		c := &s.chains[mode]
		c.n = 0
		if s.Hidden || s.Source == 0 {
			continue
		}
		s.climb(c, points, mode)
	}
	if s.current != None {
		s.paused = false
		if top := s.chains[living].top(); s.current > top {
			s.current = top // the element became smaller
		}
	}
	s.Need = s.chains[all].top()
	s.fresh = s.current == None && !s.paused
	s.grade(points)
}

func (s *Slot) points() []Point { return s.Points[:min(len(s.Points), MaxPoints)] }

// climb fills the chain: a point that costs no less than a better one is left out.
func (s *Slot) climb(c *chain, points []Point, mode int) {
	top := s.need(points, mode)
	least := layer.Bitrate(math.MaxInt64)
	var back [MaxPoints]uint8
	n := 0
	for i := top; i >= 0; i-- {
		p := &points[i]
		if mode == living && p.Off || p.Bitrate >= least {
			continue
		}
		least = min(least, p.Bitrate)
		back[n] = uint8(i)
		n++
	}
	for k := range n {
		c.index[k] = back[n-1-k]
	}
	c.n = n
}

// What a missing half of the frames leaves of a picture's worth, in percent. Text hardly moves.
var (
	framesOfCamera = [...]float64{100, 82, 62, 45}
	framesOfScreen = [...]float64{100, 97, 94, 90}
)

// grade puts a worth on each point: how sharp it is in its element, less what missing frames take away.
func (s *Slot) grade(points []Point) {
	frames := &framesOfCamera
	if s.Screen {
		frames = &framesOfScreen
	}
	end := 0
	for i := range points {
		for end < len(points) && (end <= i || points[end].Spatial == points[i].Spatial) {
			end++
		}
		p := &points[i]
		pixels := float64(p.Width) * float64(p.Height)
		if pixels == 0 {
			pixels = float64(max(p.Bitrate, 0)) / 3 // about what encoders make of a bitrate
		}
		if s.Width != 0 && s.Height != 0 {
			pixels = min(pixels, float64(s.Width)*float64(s.Height))
		}
		q := int32(math.Sqrt(pixels) * frames[min(end-1-i, len(frames)-1)])
		if i > 0 {
			q = max(q, s.quality[i-1]+1)
		}
		s.quality[i] = q
	}
}

// price of a point, None being free.
func (s *Slot) price(i int) layer.Bitrate {
	if i == None {
		return 0
	}
	return max(s.Points[i].Bitrate, 0)
}

// weight is how much a step up of this picture counts.
func (s *Slot) weight() int64 {
	w := int64(1)
	if s.Pinned {
		w *= 2
	}
	if s.Speaker {
		w *= 2
	}
	if s.Screen {
		w *= 8
	}
	return w
}

// before says whether a's picture comes before b's when there is not enough for both.
func (a *Slot) before(b *Slot) bool {
	if a.weight() != b.weight() {
		return a.weight() > b.weight()
	}
	return a.area() > b.area()
}

func (s *Slot) area() uint32 {
	if s.Width == 0 || s.Height == 0 {
		return math.MaxUint32
	}
	return uint32(s.Width) * uint32(s.Height)
}
