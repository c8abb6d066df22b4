package crowd

import (
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"incamera/media/rtp"
	"incamera/scripts/bench/traffic"
)

const (
	turn       = time.Millisecond // how often the sockets are looked at: the kernel has noted when packets came
	feedbackIn = 50               // turns between two reports of arrivals, as libwebrtc's
	reportIn   = 20               // of those between two receiver reports
	checkIn    = 50               // and between two checks of the path
	messages   = 32
	headOnly   = 192 // bytes read of a packet that is not decrypted: headers, and small RTCP whole
	whole      = 2048
)

// box is the preset memory of recvmmsg.
type box struct {
	size int
	buf  []byte
	msgs [messages]unix.Mmsghdr
	iovs [messages]unix.Iovec
	ctl  [messages][32]byte
}

func newBox(size int) *box {
	b := &box{size: size, buf: make([]byte, messages*size)}
	for i := range b.msgs {
		b.iovs[i].Base = &b.buf[i*size]
		b.iovs[i].SetLen(size)
		h := &b.msgs[i].Hdr
		h.Iov = &b.iovs[i]
		h.SetIovlen(1)
		h.Control = &b.ctl[i][0]
		h.SetControllen(len(b.ctl[i]))
	}
	return b
}

// Loop is the thread that reads all sockets.
type Loop struct {
	epoll   int
	join    chan *Client
	leave   chan leaving
	calls   chan func()
	stop    chan struct{}
	ended   chan struct{}
	clients []*Client
	turns   uint64
	start   time.Time
	base    int64 // the wall clock at start

	heads, wholes *box
	events        [256]unix.EpollEvent
	plain         [2048]byte
	sealed        [2048]byte
	build         [1500]byte
	hdr           rtp.Header

	busy atomic.Int64 // CPU time of the thread
}

type leaving struct {
	c    *Client
	done chan struct{}
}

// Do runs f in the thread, between two turns, and waits.
func (l *Loop) Do(f func()) {
	done := make(chan struct{})
	l.calls <- func() { f(); close(done) }
	<-done
}

// NewLoop starts the thread.
func NewLoop() (*Loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	l := &Loop{
		epoll: fd, join: make(chan *Client, 64), leave: make(chan leaving), calls: make(chan func()), stop: make(chan struct{}), ended: make(chan struct{}),
		heads: newBox(headOnly), wholes: newBox(whole), start: time.Now(),
	}
	l.base = l.start.UnixNano()
	go l.run()
	return l, nil
}

// Add hands a connected client over; every so many of them is decrypted.
func (l *Loop) Add(c *Client, sampled bool) {
	c.sampled = sampled
	l.join <- c
}

// Remove takes a client back; it may be closed then.
func (l *Loop) Remove(c *Client) {
	done := make(chan struct{})
	l.leave <- leaving{c, done}
	<-done
}

// Close ends the thread.
func (l *Loop) Close() {
	close(l.stop)
	<-l.ended
	_ = unix.Close(l.epoll)
}

// Busy is the CPU time of the thread so far.
func (l *Loop) Busy() time.Duration { return time.Duration(l.busy.Load()) }

func (l *Loop) run() {
	runtime.LockOSThread()
	defer close(l.ended)
	next := traffic.Monotonic()
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		l.changes()
		l.drain()
		l.duties()
		l.turns++
		if l.turns%64 == 0 {
			var ts unix.Timespec
			_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
			l.busy.Store(ts.Nano())
		}
		next += turn
		if now := traffic.Monotonic(); next < now {
			next = now
		} else {
			traffic.SleepUntil(next)
		}
	}
}

func (l *Loop) changes() {
	for {
		select {
		case c := <-l.join:
			at := -1
			for i, old := range l.clients {
				if old == nil {
					at = i
					break
				}
			}
			if at < 0 {
				at = len(l.clients)
				l.clients = append(l.clients, nil)
			}
			l.clients[at] = c
			_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(at)})
		case q := <-l.leave:
			for i, c := range l.clients {
				if c == q.c {
					l.clients[i] = nil
					_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, c.fd, nil)
				}
			}
			close(q.done)
		case f := <-l.calls:
			f()
		default:
			return
		}
	}
}

// drain reads every socket that has something.
func (l *Loop) drain() {
	for {
		n, err := unix.EpollWait(l.epoll, l.events[:], 0)
		if err != nil || n == 0 {
			return
		}
		for i := range l.events[:n] {
			if c := l.clients[l.events[i].Fd]; c != nil {
				l.read(c)
			}
		}
		if n < len(l.events) {
			return
		}
	}
}

func (l *Loop) read(c *Client) {
	b := l.heads
	if c.sampled {
		b = l.wholes
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&b.msgs)), messages, unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			return
		}
		for i := range b.msgs[:n] {
			m := &b.msgs[i]
			size := min(int(m.Len), b.size)
			l.take(c, b.buf[i*b.size:][:size], m.Hdr.Flags&unix.MSG_TRUNC == 0, came(b.ctl[i][:m.Hdr.Controllen]))
			m.Hdr.SetControllen(len(b.ctl[i]))
		}
		if n < messages {
			return
		}
	}
}

// came is when the kernel had a datagram, by the wall clock.
func came(ctl []byte) int64 {
	if len(ctl) < 32 {
		return time.Now().UnixNano()
	}
	return int64(binary.NativeEndian.Uint64(ctl[16:]))*1e9 + int64(binary.NativeEndian.Uint64(ctl[24:]))
}

// duties are a turn's share of the reports: all clients in fifty turns.
func (l *Loop) duties() {
	for i := int(l.turns % feedbackIn); i < len(l.clients); i += feedbackIn {
		if c := l.clients[i]; c != nil {
			l.report(c)
		}
	}
}
