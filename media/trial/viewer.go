package trial

import (
	"math"
	"time"

	"incamera/media/nack"
	"incamera/media/seq"
	"incamera/media/twcc"
)

// sent is a packet on its way to the viewer.
type sent struct {
	number uint16 // transport-wide
	slot   int    // -1: audio
	ext    seq.Ext
	index  int // of the source's frame at hand; 0 for padding
	frame  frameFacts
	audio  int
	pad    bool
}

// frameFacts are what the depacketizer would read.
type frameFacts struct {
	key         bool
	first, last bool
	level       int
	at          time.Duration // captured
}

// back is what the viewer sends: feedback and requests.
type back struct {
	feedback []byte
	slot     int
	nacks    []uint16
	pli      bool
}

// screen is one slot as the viewer sees it. Freezes are counted as browsers do: a picture that comes later than three
// times the usual, or 150 ms more than it.
type screen struct {
	asker    *nack.Generator
	extender seq.Extender
	got      map[seq.Ext]frameFacts
	next     seq.Ext // of the next frame's first packet, 0: a key frame is awaited
	waiting  time.Duration
	pliAt    time.Duration
	shown    time.Duration
	gaps     [30]time.Duration
	frames   int
	level    int
	rtt      time.Duration
	delay    time.Duration // from capture to show
	late     time.Duration // of the newest frame, against its capture
	spread   float64       // of the lateness, in ns
	repaired time.Duration // when a repair was last waited for

	freezes       int
	frozen        time.Duration
	longest       time.Duration
	longestAt     time.Duration
	expecting     bool // the slot is meant to show something
	decodeErrors  int
	switches      []time.Duration
	levelSince    []levelSpan
	firstPicture  time.Duration
	withoutAnyGap bool
}

type levelSpan struct {
	at    time.Duration
	level int
}

func newScreen() *screen {
	return &screen{asker: nack.NewGenerator(nack.Options{MaxTries: 10, Pace: nack.Patient}), got: map[seq.Ext]frameFacts{}, level: -1}
}

// take a packet of the slot.
func (s *screen) take(e seq.Ext, f frameFacts, now time.Duration) {
	if _, ok := s.got[e]; ok || s.next != 0 && e < s.next {
		s.asker.Received(e, now)
		return
	}
	if s.asker.Received(e, now) {
		s.repaired = now
	}
	s.got[e] = f
	s.decode(now)
}

// decode shows every frame that is whole and follows what was shown, or is a whole key frame.
func (s *screen) decode(now time.Duration) {
	for {
		if s.next != 0 {
			if end, ok := s.whole(s.next); ok {
				s.show(s.next, end, now)
				continue
			}
		}
		start, end, ok := s.wholeKey()
		if !ok {
			return
		}
		s.asker.Forget(start)
		s.show(start, end, now)
	}
}

func (s *screen) whole(e seq.Ext) (end seq.Ext, ok bool) {
	f, have := s.got[e]
	if !have || !f.first {
		return 0, false
	}
	for begins := true; have && f.first == begins; begins = false { // a frame may lack its end, and the next one follow
		if f.last {
			return e, true
		}
		e++
		f, have = s.got[e]
	}
	return 0, false
}

// wholeKey finds the newest whole key frame ahead.
func (s *screen) wholeKey() (start, end seq.Ext, ok bool) {
	for e, f := range s.got {
		if f.key && f.first && e >= s.next && e > start {
			if last, whole := s.whole(e); whole {
				start, end, ok = e, last, true
			}
		}
	}
	return start, end, ok
}

func (s *screen) show(from, to seq.Ext, whole time.Duration) {
	f := s.got[from]
	now := s.playout(f, whole)
	if s.next != 0 && from != s.next && !f.key {
		s.decodeErrors++
	}
	for e := range s.got {
		if e <= to {
			delete(s.got, e)
		}
	}
	s.next, s.waiting = to+1, 0
	if s.level != f.level {
		s.level = f.level
		s.levelSince = append(s.levelSince, levelSpan{at: now, level: f.level})
	}
	if s.frames > 0 {
		gap := now - s.shown
		var sum time.Duration
		n := min(s.frames, len(s.gaps))
		for _, g := range s.gaps[:n] {
			sum += g
		}
		avg := time.Second / 30
		if s.frames > len(s.gaps) {
			avg = sum / time.Duration(n)
		}
		if gap > max(3*avg, avg+150*time.Millisecond) {
			s.freezes++
			s.frozen += gap - avg
		}
		if gap > s.longest {
			s.longest, s.longestAt = gap, now
		}
		s.gaps[s.frames%len(s.gaps)] = gap
	} else {
		s.firstPicture = now
	}
	s.frames++
	s.shown = now
}

// playout is when a whole frame is shown. Like a browser's jitter buffer it waits for a little more than the usual
// unevenness, and for a round trip where packets are repaired.
func (s *screen) playout(f frameFacts, whole time.Duration) time.Duration {
	late := whole - f.at
	if s.frames == 0 {
		s.late = late
	}
	s.spread += (math.Abs(float64(late-s.late)) - s.spread) / 30
	s.late += (late - s.late) / 30
	wait := min(time.Duration(2*s.spread), 300*time.Millisecond)
	if s.repaired != 0 && whole-s.repaired < 10*time.Second {
		wait += s.rtt
	}
	s.delay += min(max(s.late+wait-s.delay, -time.Millisecond), 30*time.Millisecond)
	return max(whole, f.at+s.delay, s.shown)
}

// paused forgets the clock of a slot that is meant to be still.
func (s *screen) paused(now time.Duration) {
	if s.frames > 0 {
		s.shown = now
	}
}

// viewer is the receiving side.
type viewer struct {
	recorder *twcc.Recorder
	screens  []*screen
	audio    map[int]bool
	rtt      time.Duration
	nextNack time.Duration
	buf      [1500]byte
	seqs     [256]uint16
}

func newViewer(slots int) *viewer {
	v := &viewer{recorder: twcc.NewRecorder(), audio: map[int]bool{}}
	for range slots {
		v.screens = append(v.screens, newScreen())
	}
	return v
}

func (v *viewer) take(p sent, now time.Duration) {
	v.recorder.Record(p.number, now)
	switch {
	case p.pad:
	case p.slot < 0:
		v.audio[p.audio] = true
	default:
		v.screens[p.slot].take(p.ext, p.frame, now)
	}
}

// reply gives what the viewer sends back now.
func (v *viewer) reply(now time.Duration, send func(back)) {
	if v.recorder.Due(now) {
		for more := true; more; {
			var b []byte
			b, more = v.recorder.Append(v.buf[:0], 1, 2, 1000, now)
			if len(b) == 0 {
				break
			}
			send(back{feedback: append([]byte(nil), b...)})
		}
	}
	if now < v.nextNack {
		return
	}
	v.nextNack = now + 10*time.Millisecond
	for i, s := range v.screens {
		s.rtt = v.rtt
		due := s.asker.Due(v.seqs[:0], v.rtt+10*time.Millisecond, now)
		if len(due) > 0 {
			send(back{slot: i, nacks: append([]uint16(nil), due...)})
		}
		broken := s.asker.TakeLost() > 0
		if !broken && len(s.got) > 0 {
			if s.waiting == 0 {
				s.waiting = now
			}
			broken = s.next == 0 && now-s.waiting > 200*time.Millisecond || now-s.waiting > 3*time.Second
		}
		if broken && now-s.pliAt > keyGap {
			s.pliAt = now
			send(back{slot: i, pli: true})
		}
	}
}
