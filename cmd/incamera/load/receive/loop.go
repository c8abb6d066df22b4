//go:build linux

package receive

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// TickEvery is how often each sink is told the time: not all at once, but a part of them every so often.
const (
	TickEvery = 10 * time.Millisecond
	parts     = 10
)

// Options of a Loop.
type Options struct {
	Buffer int           // receive buffer of each socket in bytes; 0: 1 MiB
	Turn   time.Duration // how often the sockets are looked at; 0: whenever something comes
}

// Sink takes what comes in on one socket. It is called on the loop's thread and must not block.
type Sink interface {
	// Datagram is given one datagram, its size (larger than pkt when only the beginning was read) and when the kernel got
	// it, in nanoseconds since 1970. The bytes are the sink's until it returns.
	Datagram(pkt []byte, size int, at int64)
	// Tick comes every TickEvery, with the time in nanoseconds since 1970.
	Tick(now int64)
}

// Stats are running totals of a loop.
type Stats struct {
	Datagrams  uint64
	Calls      uint64 // of recvmmsg
	Overflowed uint64 // datagrams lost here, at a full receive buffer
}

// Loop reads its sockets until it is closed.
type Loop struct {
	// static
	epoll, wake int
	o           Options
	done        chan struct{}

	// owned by the loop's thread
	wholes, heads *ring
	events        [256]unix.EpollEvent
	ready         []*Socket
	due           []*Socket
	ticks         int64 // parts of TickEvery since the start that were told

	mu      sync.RWMutex
	sockets map[int32]*Socket // guarded by mu
	order   []*Socket         // guarded by mu; the same
	doomed  []*Socket         // guarded by mu; to be closed by the loop's thread, who alone knows that no read runs
	closing bool              // guarded by mu
	gone    bool              // guarded by mu; wake and epoll are closed

	datagrams, calls, overflowed atomic.Uint64
	busy                         atomic.Int64
}

// New starts a loop.
func New(o Options) (*Loop, error) {
	if o.Buffer < 0 || o.Turn < 0 {
		return nil, fmt.Errorf("receive: %+v makes no sense", o)
	}
	if o.Buffer == 0 {
		o.Buffer = 1 << 20
	}
	l := &Loop{o: o, done: make(chan struct{}), sockets: map[int32]*Socket{}, wholes: newRing(stride), heads: newRing(headOnly)}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("receive: epoll: %w", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		_ = unix.Close(l.epoll)
		return nil, fmt.Errorf("receive: eventfd: %w", err)
	}
	if err := l.watch(l.wake); err != nil {
		_ = unix.Close(l.wake)
		_ = unix.Close(l.epoll)
		return nil, err
	}
	go l.loopLoop()
	return l, nil
}

func (l *Loop) watch(fd int) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		return fmt.Errorf("receive: epoll: %w", err)
	}
	return nil
}

// Open connects a UDP socket to a remote address and gives what comes from there to the sink.
func (l *Loop) Open(remote netip.AddrPort, sink Sink) (*Socket, error) {
	s, err := open(remote, l.o.Buffer)
	if err != nil {
		return nil, fmt.Errorf("receive: socket to %v: %w", remote, err)
	}
	return l.add(s, sink)
}

// Listen binds a UDP socket to an address and gives what comes there from anywhere to the sink. It cannot Send.
func (l *Loop) Listen(local netip.Addr, sink Sink) (*Socket, error) {
	s, err := listen(local, l.o.Buffer)
	if err != nil {
		return nil, fmt.Errorf("receive: socket at %v: %w", local, err)
	}
	return l.add(s, sink)
}

func (l *Loop) add(s *Socket, sink Sink) (*Socket, error) {
	s.loop, s.sink = l, sink
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		_ = unix.Close(s.fd)
		return nil, fmt.Errorf("receive: closed")
	}
	if err := l.watch(s.fd); err != nil {
		_ = unix.Close(s.fd)
		return nil, err
	}
	l.sockets[int32(s.fd)] = s
	s.place = len(l.order)
	l.order = append(l.order, s)
	return s, nil
}

// Stats of all sockets since the start.
func (l *Loop) Stats() Stats {
	return Stats{Datagrams: l.datagrams.Load(), Calls: l.calls.Load(), Overflowed: l.overflowed.Load()}
}

// Busy is the CPU time of the loop's thread, as of its last look at the clock: it looks every TickEvery or so.
func (l *Loop) Busy() time.Duration { return time.Duration(l.busy.Load()) }

// Close ends the loop and closes every socket. It waits.
func (l *Loop) Close() {
	l.mu.Lock()
	l.closing = true
	l.rouseLocked()
	l.mu.Unlock()
	<-l.done
}

func (l *Loop) rouseLocked() {
	if !l.gone {
		_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // full: it is awake anyway
	}
}

// bury closes what was given up. It says whether the loop is to end.
func (l *Loop) bury() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		for _, s := range l.sockets {
			l.doomed = append(l.doomed, s)
		}
	}
	for _, s := range l.doomed {
		if l.sockets[int32(s.fd)] != s {
			continue // twice given up
		}
		delete(l.sockets, int32(s.fd))
		last := l.order[len(l.order)-1]
		l.order[s.place], last.place = last, s.place
		l.order[len(l.order)-1] = nil
		l.order = l.order[:len(l.order)-1]
		s.end()
	}
	l.doomed = l.doomed[:0]
	return l.closing
}

// loopLoop is the one thread.
func (l *Loop) loopLoop() {
	runtime.LockOSThread()
	defer close(l.done)
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.gone = true
		_ = unix.Close(l.wake)
		_ = unix.Close(l.epoll)
	}()
	start := time.Now()
	wait := int(TickEvery / time.Millisecond)
	if l.o.Turn > 0 {
		wait = 0
	}
	next := monotonic()
	for {
		if !l.look(wait) {
			return // only a bad descriptor or memory: nothing to go on with
		}
		now := time.Now()
		l.tick(int64(now.Sub(start)/(TickEvery/parts)), now.UnixNano())
		if l.bury() {
			return
		}
		if l.o.Turn > 0 {
			next = max(next+l.o.Turn, monotonic())
			sleepUntil(next)
		}
	}
}

// look reads every socket that has something; it waits for so many milliseconds for one.
func (l *Loop) look(wait int) bool {
	for {
		n, err := unix.EpollWait(l.epoll, l.events[:], wait)
		if err != nil && err != unix.EINTR {
			return false
		}
		for _, s := range l.readable(l.events[:max(n, 0)]) {
			l.drain(s)
		}
		if n < len(l.events) {
			return true
		}
		wait = 0
	}
}

// readable finds the sockets of events, and empties the wake-up.
func (l *Loop) readable(events []unix.EpollEvent) []*Socket {
	l.ready = l.ready[:0]
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i := range events {
		if int(events[i].Fd) == l.wake {
			var b [8]byte
			_, _ = unix.Read(l.wake, b[:])
		} else if s := l.sockets[events[i].Fd]; s != nil {
			l.ready = append(l.ready, s)
		}
	}
	return l.ready
}

// tick tells the sinks the time whose turn has come: part by part of them, so that a thousand do not report at once. It
// is done without the lock: a sink may open or close sockets.
func (l *Loop) tick(until, now int64) {
	from := max(l.ticks, until-parts)
	if l.ticks = until; from == until {
		return
	}
	l.due = l.due[:0]
	l.mu.RLock()
	for part := from; part < until; part++ {
		for i := int(part % parts); i < len(l.order); i += parts {
			l.due = append(l.due, l.order[i])
		}
	}
	l.mu.RUnlock()
	for _, s := range l.due {
		s.sink.Tick(now)
	}
	if until/parts != from/parts {
		l.busy.Store(int64(threadTime()))
	}
}

// rounds bounds how long one socket keeps the thread.
const rounds = 4

func (l *Loop) drain(s *Socket) {
	rx := l.wholes
	if s.heads.Load() {
		rx = l.heads
	}
	for range rounds {
		n := rx.read(s.fd)
		l.calls.Add(1)
		if n <= 0 {
			return
		}
		l.datagrams.Add(uint64(n))
		for i := range n {
			pkt, size, at, overflow := rx.datagram(i)
			if overflow != s.overflow {
				l.overflowed.Add(uint64(overflow - s.overflow))
				s.overflow = overflow
			}
			if len(pkt) > 0 {
				s.sink.Datagram(pkt, size, at)
			}
		}
		if n < batch {
			return
		}
	}
}
