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

// TickEvery is how often each sink is told the time.
const TickEvery = 10 * time.Millisecond

// Sink takes what comes in on one socket. It is called on the loop's thread and must not block.
type Sink interface {
	// Datagram is given one datagram and when the kernel got it, in nanoseconds since 1970. The bytes are the sink's
	// until it returns.
	Datagram(pkt []byte, at int64)
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
	buffer      int
	done        chan struct{}
	rx          *ring // owned by the loop's thread

	mu      sync.RWMutex
	sockets map[int32]*Socket // guarded by mu
	doomed  []*Socket         // guarded by mu; to be closed by the loop's thread, who alone knows that no read runs
	closing bool              // guarded by mu
	gone    bool              // guarded by mu; wake and epoll are closed

	datagrams, calls, overflowed atomic.Uint64
}

// New starts a loop. buffer is the receive buffer of each socket in bytes; 0 means 1 MiB.
func New(buffer int) (*Loop, error) {
	if buffer < 0 {
		return nil, fmt.Errorf("receive: negative buffer")
	}
	if buffer == 0 {
		buffer = 1 << 20
	}
	l := &Loop{buffer: buffer, done: make(chan struct{}), sockets: map[int32]*Socket{}, rx: newRing()}
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
	s, err := open(remote, l.buffer)
	if err != nil {
		return nil, fmt.Errorf("receive: socket to %v: %w", remote, err)
	}
	s.loop, s.sink = l, sink
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		_ = unix.Close(s.fd)
		return nil, fmt.Errorf("receive: closed")
	}
	l.sockets[int32(s.fd)] = s
	if err := l.watch(s.fd); err != nil {
		delete(l.sockets, int32(s.fd))
		_ = unix.Close(s.fd)
		return nil, err
	}
	return s, nil
}

// Stats of all sockets since the start.
func (l *Loop) Stats() Stats {
	return Stats{Datagrams: l.datagrams.Load(), Calls: l.calls.Load(), Overflowed: l.overflowed.Load()}
}

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
	var events [128]unix.EpollEvent
	var ready []*Socket
	ticked := time.Now()
	for {
		n, err := unix.EpollWait(l.epoll, events[:], int(TickEvery/time.Millisecond))
		if err != nil && err != unix.EINTR {
			return // only a bad descriptor or memory: nothing to go on with
		}
		ready = l.ready(ready[:0], events[:max(n, 0)])
		for _, s := range ready {
			l.drain(s)
		}
		if now := time.Now(); now.Sub(ticked) >= TickEvery {
			ticked = now
			l.tick(now.UnixNano(), &ready)
		}
		if l.bury() {
			return
		}
	}
}

// ready finds the sockets of events, and empties the wake-up.
func (l *Loop) ready(list []*Socket, events []unix.EpollEvent) []*Socket {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i := range events {
		if int(events[i].Fd) == l.wake {
			var b [8]byte
			_, _ = unix.Read(l.wake, b[:])
		} else if s := l.sockets[events[i].Fd]; s != nil {
			list = append(list, s)
		}
	}
	return list
}

// tick tells every sink the time, without the lock: a sink may open or close sockets.
func (l *Loop) tick(now int64, list *[]*Socket) {
	*list = (*list)[:0]
	l.mu.RLock()
	for _, s := range l.sockets {
		*list = append(*list, s)
	}
	l.mu.RUnlock()
	for _, s := range *list {
		s.sink.Tick(now)
	}
}

// rounds bounds how long one socket keeps the thread.
const rounds = 4

func (l *Loop) drain(s *Socket) {
	for range rounds {
		n := l.rx.read(s.fd)
		l.calls.Add(1)
		if n <= 0 {
			return
		}
		l.datagrams.Add(uint64(n))
		for i := range n {
			pkt, at, overflow := l.rx.datagram(i)
			if overflow != s.overflow {
				l.overflowed.Add(uint64(overflow - s.overflow))
				s.overflow = overflow
			}
			if len(pkt) > 0 {
				s.sink.Datagram(pkt, at)
			}
		}
		if n < batch {
			return
		}
	}
}
