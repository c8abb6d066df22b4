package main

import (
	"os"
	"sync"
	"time"

	"incamera/scripts/nettest/link"
)

// A full packet and what a TUN device puts before it: nothing.
const maxPacket = 1 << 16

// wire is one link: two devices and what lies between.
type wire struct {
	near, far *os.File
	up, down  *lane

	mu  sync.Mutex
	nat *link.NAT // nil: no translation
}

func open(near, far string) (*wire, error) {
	n, err := openTUN(near)
	if err != nil {
		return nil, err
	}
	f, err := openTUN(far)
	if err != nil {
		return nil, err
	}
	return &wire{near: n, far: f}, nil
}

func (w *wire) run(begun time.Time, seed uint64) {
	w.up = &lane{begun: begun, to: w.far, direction: link.New(2 * seed), wake: make(chan struct{}, 1)}
	w.down = &lane{begun: begun, to: w.near, direction: link.New(2*seed + 1), wake: make(chan struct{}, 1)}
	for _, l := range []*lane{w.up, w.down} {
		go l.deliverLoop()
	}
	go w.readLoop(w.near, w.up)
	go w.readLoop(w.far, w.down)
}

func (w *wire) rebind() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.nat == nil {
		w.nat = link.NewNAT()
	}
	w.nat.Rebind()
}

// readLoop ends when the device does.
func (w *wire) readLoop(from *os.File, to *lane) {
	buf := make([]byte, maxPacket)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		packet := append([]byte(nil), buf[:n]...)
		if w.translate(packet, to == w.up) {
			to.offer(packet)
		}
	}
}

func (w *wire) translate(packet []byte, up bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.nat == nil {
		return true
	}
	if up {
		w.nat.Out(packet)
		return true
	}
	return w.nat.In(packet)
}

// lane is a direction with a clock and a device to write to.
type lane struct {
	begun time.Time
	to    *os.File
	wake  chan struct{}

	mu        sync.Mutex
	direction *link.Direction
}

func (l *lane) now() time.Duration { return time.Since(l.begun) }

func (l *lane) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) offer(packet []byte) {
	l.mu.Lock()
	l.direction.Offer(l.now(), packet)
	l.mu.Unlock()
	l.nudge()
}

func (l *lane) set(s link.Settings) error {
	l.mu.Lock()
	err := l.direction.Set(l.now(), s)
	l.mu.Unlock()
	l.nudge()
	return err
}

func (l *lane) counted() *counted {
	l.mu.Lock()
	defer l.mu.Unlock()
	waited := l.direction.TakeWaited(l.now())
	return &counted{l.direction.Counters(), float64(waited) / float64(time.Millisecond)}
}

// deliverLoop writes each packet to the device when its time has come.
func (l *lane) deliverLoop() {
	timer := time.NewTimer(time.Hour)
	for {
		wait := time.Hour
		for {
			l.mu.Lock()
			packet := l.direction.Take(l.now())
			if packet == nil {
				if next, ok := l.direction.Next(); ok {
					wait = max(0, next-l.now())
				}
			}
			l.mu.Unlock()
			if packet == nil {
				break
			}
			_, _ = l.to.Write(packet) // a device that is down loses packets, as networks do
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-l.wake:
		}
	}
}
