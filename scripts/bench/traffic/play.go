package traffic

import (
	"container/heap"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"incamera/cmd/incamera/load/figures"
	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/stamp"
	"incamera/media/report"
	"incamera/media/rtcp"
	"incamera/media/rtp"
)

const keyEvery = 3 * time.Second

// Source is what one client sends: sound, and a camera without layers, by a pattern. Unlike the load generator's publisher
// it knows no pace of its own, adapts to nothing and repeats nothing, so that a thousand can be sent on one thread.
type Source struct {
	peer          *peer.Peer
	wanted        atomic.Bool // the server asks for a key frame
	sound, camera peer.Stream

	// owned by the Player, of whom there is one at a time
	player     *Player
	pattern    Pattern
	next       Event
	vseq, aseq uint64
	tcc, pid   uint16
	base       uint32 // RTP timestamp of the play's beginning
	keyAt      time.Duration
	keyFrame   int // the picture that is a key frame
	srAt       time.Duration
	sent       uint32
	octets     uint32
}

// NewSource makes one; Attach gives it its client.
func NewSource() *Source {
	s := &Source{vseq: 100, aseq: 100, pid: 1}
	for _, one := range []*uint32{&s.sound.SSRC, &s.camera.SSRC, &s.camera.RTX} {
		*one = rand.Uint32() | 1
	}
	return s
}

// Describe adds what is sent to an offer.
func (s *Source) Describe(to *peer.Sections) {
	to.Codec, to.Mic, to.Camera = peer.VP8, &s.sound, []peer.Stream{s.camera}
}

// Attach gives the source the client that it sends by.
func (s *Source) Attach(p *peer.Peer) { s.peer = p }

// RTCP takes what the server asks for.
func (s *Source) RTCP(pkt []byte) {
	for r := rtcp.NewReader(pkt); r.Next(); {
		if r.Kind() == rtcp.PLI || r.Kind() == rtcp.FIR {
			s.wanted.Store(true)
		}
	}
}

// Sender is the thread that sends everything.
type Sender struct {
	stop  chan struct{}
	ended chan struct{}
	queue schedule
	late  figures.Histogram
	busy  float64

	burst   peer.Burst // of the source whose turn it is
	head    [rtp.MaxHeader]byte
	payload [1500]byte
}

// schedule is a heap of sources by their next event.
type schedule []*Source

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].next.At < s[j].next.At }
func (s schedule) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

// Push implements heap.Interface.
func (s *schedule) Push(x any) { *s = append(*s, x.(*Source)) }

// Pop implements heap.Interface.
func (s *schedule) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// Play lets sources send until Stop. Their pictures are spread over the time of one.
func Play(sources []*Source, p Pattern) *Sender {
	pl := &Sender{stop: make(chan struct{}), ended: make(chan struct{})}
	start := Monotonic() + 20*time.Millisecond
	for i, s := range sources {
		s.base = uint32(int64(start) * 90 / int64(time.Millisecond))
		s.pattern, s.keyAt, s.keyFrame = p, 0, 0
		s.player = NewPlayer(p, start+p.Frame*time.Duration(i)/time.Duration(len(sources)))
		s.next = s.player.Next()
		heap.Push(&pl.queue, s)
	}
	go pl.run()
	return pl
}

// Stop ends the sending.
func (p *Sender) Stop() {
	close(p.stop)
	<-p.ended
}

// Late tells how late bursts were sent: by much, and the generator is what was measured.
func (p *Sender) Late() *figures.Histogram { return &p.late }

// Busy is the share of a core that the thread took. Only after Stop.
func (p *Sender) Busy() float64 { return p.busy }

func (p *Sender) run() {
	runtime.LockOSThread() // never unlocked: the thread ends with it
	defer close(p.ended)
	// Best effort: who reads must not hold up who sends.
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -15)
	began := time.Now()
	for len(p.queue) > 0 {
		select {
		case <-p.stop:
			var ts unix.Timespec
			_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
			p.busy = time.Duration(ts.Nano()).Seconds() / time.Since(began).Seconds()
			return
		default:
		}
		s := p.queue[0]
		now := Monotonic()
		if s.next.At > now {
			SleepUntil(min(s.next.At, now+20*time.Millisecond))
			continue
		}
		p.late.Add(now - s.next.At)
		p.send(s, now)
		s.player.Take(s.next)
		s.next = s.player.Next()
		heap.Fix(&p.queue, 0)
	}
}

// send is one event of a source: a burst of pictures' packets, or sound.
func (p *Sender) send(s *Source, now time.Duration) {
	e := s.next
	if e.Audio {
		p.audio(s)
	} else {
		if e.From == 0 {
			if s.wanted.Swap(false) || now >= s.keyAt {
				s.keyFrame, s.keyAt = e.Frame, now+keyEvery
			}
			s.pid = s.pid%0x7fff + 1
		}
		for i := e.From; i < e.To; i++ {
			p.video(s, e.Frame, i)
		}
	}
	if now >= s.srAt {
		s.srAt = now + time.Second
		at := int64(now) * 90 / int64(time.Millisecond)
		var plain [100]byte
		_ = s.peer.SendRTCP(rtcp.AppendSR(plain[:0], rtcp.SenderInfo{ // lost is lost: the next comes in a second
			SSRC: s.camera.SSRC, NTP: uint64(report.NTPOf(time.Now())), RTP: uint32(at), Packets: s.sent, Octets: s.octets,
		}, nil))
	}
	s.sent += uint32(p.burst.Send(s.peer, s.pattern.Runs && !e.Audio))
}

// exts are the numbers of header extensions in every offer of the light client.
var exts = rtp.ExtIDs{TransportCC: peer.ExtTransportCC, AudioLevel: peer.ExtLevel, MID: peer.ExtMID}

// add stamps a packet and puts it into the burst.
func (p *Sender) add(s *Source, h *rtp.Out, payload []byte, index uint64) {
	s.tcc++
	h.TransportCC, h.Seq = s.tcc, uint16(index)
	stamp.Put(payload, 0, time.Now().UnixNano())
	n := rtp.Put(p.head[:], h, &exts)
	if p.burst.Add(s.peer, p.head[:n], payload, h.SSRC, index) {
		s.octets += uint32(len(payload))
	}
}

func (p *Sender) audio(s *Source) {
	payload := p.payload[:AudioSize]
	h := rtp.Out{PT: peer.PTOpus, TS: uint32(s.aseq) * 960, SSRC: s.sound.SSRC, MID: peer.MicMID, HasLevel: true, Level: rtp.LevelByte(30, true)}
	p.add(s, &h, payload, s.aseq)
	s.aseq++
}

func (p *Sender) video(s *Source, frame, i int) {
	b := p.payload[:s.pattern.Sizes[i]]
	clear(b[4:16])
	b[0], b[1] = 0x80, 0x80
	binary.BigEndian.PutUint16(b[2:], 0x8000|s.pid)
	if i == 0 {
		b[0] |= 0x10
		b[4] = 0x11
		if s.keyFrame == frame {
			copy(b[4:], []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01})
		}
	}
	ts := s.base + uint32(int64(frame)*int64(s.pattern.Frame)*90000/int64(time.Second))
	h := rtp.Out{PT: peer.PTVP8, Marker: i == len(s.pattern.Sizes)-1, TS: ts, SSRC: s.camera.SSRC, MID: peer.CameraMID}
	p.add(s, &h, b, s.vseq)
	s.vseq++
}
