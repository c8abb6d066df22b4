package trial

import (
	"math/rand/v2"
	"time"

	"incamera/media/layer"
	"incamera/media/seq"
)

const (
	payload  = 1100
	headers  = 42 // RTP header, extensions and the tag of SRTP
	keyTimes = 5  // a key frame is so many times the size of another
	keyGap   = 300 * time.Millisecond
	keyDelay = 45 * time.Millisecond // until a request has reached the publisher and its frame is here
)

// packet of a layer, as the node holds it.
type packet struct {
	ext         seq.Ext
	ts          uint32
	size        int
	key         bool
	first, last bool          // of its frame
	at          time.Duration // when it comes to the node
	captured    time.Duration
}

// stream is one layer of a camera.
type stream struct {
	rate    layer.Bitrate
	packets []packet // all of them; index is ext - 1
	keyAt   time.Duration
	asked   time.Duration // 0: nobody asked
	due     []packet      // of the frame that is coming in
}

// camera publishes layers that the node receives without loss.
type camera struct {
	random  *rand.Rand
	streams []*stream
	set     layer.Set
	next    time.Duration // next frame
	frames  uint32
}

func newCamera(rates []layer.Bitrate, r *rand.Rand) *camera {
	c := &camera{random: r, next: time.Duration(r.Int64N(int64(time.Second / 30)))}
	for i, rate := range rates {
		c.streams = append(c.streams, &stream{rate: rate, keyAt: -time.Hour})
		c.set.Size(i, 320<<i, 180<<i)
	}
	return c
}

func (s *stream) ask(now time.Duration) {
	if s.asked == 0 {
		s.asked = now
	}
}

// frame makes the next picture of every layer; its packets come in spread over some milliseconds.
func (c *camera) frame(now time.Duration) {
	c.next += time.Second / 30
	c.frames++
	for i, s := range c.streams {
		size := float64(s.rate) / 8 / 30 * (0.75 + 0.5*c.random.Float64())
		key := len(s.packets) == 0 || s.asked != 0 && now-s.asked >= keyDelay && now-s.keyAt >= keyGap
		if key {
			size *= keyTimes
			s.keyAt, s.asked = now, 0
		}
		n := max(1, (int(size)+payload-1)/payload)
		for j := range n {
			p := packet{
				ts: c.frames * 3000, size: int(size) / n, key: key, first: j == 0, last: j == n-1, captured: now,
				at: now + time.Duration(j)*min(time.Millisecond, 20*time.Millisecond/time.Duration(n)),
			}
			s.due = append(s.due, p)
		}
		_ = i
	}
}

// arrive moves what has come in by now into the ring.
func (c *camera) arrive(i int, now time.Duration, fresh func(p *packet)) {
	s := c.streams[i]
	for len(s.due) > 0 && s.due[0].at <= now {
		p := s.due[0]
		s.due = s.due[1:]
		p.ext = seq.Ext(len(s.packets) + 1)
		s.packets = append(s.packets, p)
		c.set.Packet(i, p.size, now)
		fresh(&s.packets[len(s.packets)-1])
	}
}
