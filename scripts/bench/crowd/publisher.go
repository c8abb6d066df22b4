package crowd

import (
	"container/heap"
	"encoding/binary"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"incamera/cmd/incamera/load/figures"
	"incamera/media/report"
	"incamera/media/rtcp"
	"incamera/media/rtp"
	"incamera/scripts/bench/traffic"
)

const keyEvery = 3 * time.Second

// publisher is what a client sends.
type publisher struct {
	c             *Client
	player        *traffic.Player
	pattern       traffic.Pattern
	next          traffic.Event
	vseq, aseq    uint16
	vroc, aroc    uint32
	tcc           uint16
	pid           uint16
	base          uint32 // RTP timestamp of the play's beginning
	keyAt         time.Duration
	keyFrame      int // the picture that is a key frame
	sent, refused uint64

	ids  rtp.ExtIDs
	msgs [64]unix.Mmsghdr // a burst
	iovs [64]unix.Iovec
	bufs [][1500]byte

	cut struct {
		hdr  unix.Cmsghdr
		size uint16
		_    [6]byte
	}
	payload [1500]byte
	sealed  [200]byte
	srAt    time.Duration
	octets  uint32
}

// Player is the thread that sends everything.
type Player struct {
	stop  chan struct{}
	ended chan struct{}
	queue schedule
	late  figures.Histogram
	busy  float64
}

// schedule is a heap of publishers by their next event.
type schedule []*publisher

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].next.At < s[j].next.At }
func (s schedule) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

// Push implements heap.Interface.
func (s *schedule) Push(x any) { *s = append(*s, x.(*publisher)) }

// Pop implements heap.Interface.
func (s *schedule) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// Play lets publishers send until Stop. Their pictures are spread over the time of one.
func Play(clients []*Client, p traffic.Pattern) *Player {
	pl := &Player{stop: make(chan struct{}), ended: make(chan struct{})}
	start := traffic.Monotonic() + 20*time.Millisecond
	for i, c := range clients {
		if c.pub == nil {
			c.pub = &publisher{c: c, vseq: 100, aseq: 100, pid: 1, ids: rtp.ExtIDs{TransportCC: tccID, AudioLevel: levelID, MID: midID}, bufs: make([][1500]byte, 64)}
		}
		pub := c.pub
		pub.base = uint32(int64(start) * 90 / int64(time.Millisecond))
		pub.pattern, pub.keyAt, pub.keyFrame = p, 0, 0
		pub.player = traffic.NewPlayer(p, start+p.Frame*time.Duration(i)/time.Duration(len(clients)))
		pub.next = pub.player.Next()
		heap.Push(&pl.queue, pub)
	}
	go pl.run()
	return pl
}

// Stop ends the sending.
func (p *Player) Stop() {
	close(p.stop)
	<-p.ended
}

// Late tells how late bursts were sent: by much, and the generator is what was measured.
func (p *Player) Late() *figures.Histogram { return &p.late }

// Busy is the share of a core that the thread took. Only after Stop.
func (p *Player) Busy() float64 { return p.busy }

func (p *Player) run() {
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
		pub := p.queue[0]
		now := traffic.Monotonic()
		if pub.next.At > now {
			traffic.SleepUntil(min(pub.next.At, now+20*time.Millisecond))
			continue
		}
		p.late.Add(now - pub.next.At)
		pub.send(now)
		pub.player.Take(pub.next)
		pub.next = pub.player.Next()
		heap.Fix(&p.queue, 0)
	}
}

func (p *publisher) send(now time.Duration) {
	e := p.next
	n := 0
	if e.Audio {
		n = p.audio(n)
	} else {
		if e.From == 0 {
			if p.c.wanted.Swap(false) || now >= p.keyAt {
				p.keyFrame, p.keyAt = e.Frame, now+keyEvery
			}
			p.pid = p.pid%0x7fff + 1
		}
		for i := e.From; i < e.To; i++ {
			n = p.video(n, e.Frame, i)
		}
	}
	if now >= p.srAt {
		p.srAt = now + time.Second
		p.report(now)
	}
	if p.pattern.Runs && !e.Audio {
		n = p.run(n)
	}
	for at := 0; at < n; {
		k, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(p.c.fd), uintptr(unsafe.Pointer(&p.msgs[at])), uintptr(n-at), unix.MSG_NOSIGNAL, 0, 0)
		if errno != 0 {
			if errno != unix.ECONNREFUSED && errno != unix.EINTR {
				p.refused += uint64(n - at)
				return
			}
			continue
		}
		p.sent += uint64(k)
		at += int(k)
	}
}

// run makes one message of n packets of one size, for the kernel to cut.
func (p *publisher) run(n int) int {
	h := &p.msgs[0].Hdr
	h.SetIovlen(n)
	p.cut.hdr.Level, p.cut.hdr.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	p.cut.hdr.SetLen(unix.CmsgLen(2))
	p.cut.size = uint16(p.iovs[0].Len)
	h.Control = (*byte)(unsafe.Pointer(&p.cut))
	h.SetControllen(unix.CmsgSpace(2))
	p.sent += uint64(n) - 1
	return 1
}

// report sends the sender reports that let the server put sound and pictures on one clock.
func (p *publisher) report(now time.Duration) {
	ntp := report.NTPOf(time.Now())
	at := int64(now) * 90 / int64(time.Millisecond)
	var plain [100]byte
	b := rtcp.AppendSR(plain[:0], rtcp.SenderInfo{SSRC: p.c.videoSSRC(), NTP: uint64(ntp), RTP: uint32(at), Packets: uint32(p.sent), Octets: p.octets}, nil)
	p.c.outMu.Lock()
	n, err := p.c.out.SealRTCP(p.sealed[:], b)
	p.c.outMu.Unlock()
	if err == nil {
		_ = p.c.write(p.sealed[:n])
	}
}

// seal puts a packet into the n-th message.
func (p *publisher) seal(n int, h *rtp.Out, payload []byte, roc uint32) int {
	p.tcc++
	h.TransportCC = p.tcc
	binary.BigEndian.PutUint32(payload[len(payload)-stampLen:], stampMark)
	binary.BigEndian.PutUint64(payload[len(payload)-8:], uint64(time.Now().UnixNano()))
	buf := p.bufs[n][:]
	head := rtp.Put(buf, h, &p.ids)
	p.c.outMu.Lock()
	stream, err := p.c.out.Stream(h.SSRC)
	size := 0
	if err == nil {
		size, err = stream.Seal(buf, head, payload, roc, h.Seq)
	}
	p.c.outMu.Unlock()
	if err != nil {
		p.refused++
		return n
	}
	p.octets += uint32(len(payload))
	p.iovs[n].Base = &buf[0]
	p.iovs[n].SetLen(size)
	m := &p.msgs[n].Hdr
	m.Iov, m.Control = &p.iovs[n], nil
	m.SetIovlen(1)
	m.SetControllen(0)
	return n + 1
}

func (p *publisher) audio(n int) int {
	payload := p.payload[:traffic.AudioSize]
	h := rtp.Out{PT: opusPT, Seq: p.aseq, TS: uint32(p.aseq)*960 + p.aroc<<16*960, SSRC: p.c.audioSSRC(), MID: audioMid, HasLevel: true, Level: rtp.LevelByte(30, true)}
	n = p.seal(n, &h, payload, p.aroc)
	if p.aseq++; p.aseq == 0 {
		p.aroc++
	}
	return n
}

func (p *publisher) video(n, frame, i int) int {
	b := p.payload[:p.pattern.Sizes[i]]
	clear(b[4:16])
	b[0], b[1], b[2], b[3] = 0x80, 0x80, 0x80|byte(p.pid>>8), byte(p.pid)
	if i == 0 {
		b[0] |= 0x10
		b[4] = 0x11
		if p.keyFrame == frame {
			copy(b[4:], []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01})
		}
	}
	ts := p.base + uint32(int64(frame)*int64(p.pattern.Frame)*90000/int64(time.Second))
	h := rtp.Out{PT: vp8PT, Marker: i == len(p.pattern.Sizes)-1, Seq: p.vseq, TS: ts, SSRC: p.c.videoSSRC(), MID: videoMid}
	n = p.seal(n, &h, b, p.vroc)
	if p.vseq++; p.vseq == 0 {
		p.vroc++
	}
	return n
}
