package noderpc

import "sync"

// OutboxOptions of an Outbox.
type OutboxOptions struct {
	Capacity int // 8192 events: the full state of a full node, twice
	// OnResync is called, without locks, when NeedResync turns true; it may only take note, not Put. May be nil.
	OnResync func()
}

// Outbox is the bounded queue of events from a node to one signaling instance. Put never blocks: when the queue is
// full, all of it is dropped and the node is asked (NeedResync) to put its full state again, which says more than
// the dropped events did. It is also asked when a new stream attaches, since what the old one had in flight may be
// lost.
type Outbox struct {
	onResync func()
	capacity int
	ready    chan struct{} // capacity 1: there is something to take

	mu      sync.Mutex
	queue   []*Event // ring, guarded by mu; grows to capacity, so that an outbox nobody uses costs little
	head, n int
	resync  bool
	dropped uint64
}

// NewOutbox makes an empty Outbox.
func NewOutbox(o OutboxOptions) *Outbox {
	if o.Capacity <= 0 {
		o.Capacity = 8192
	}
	return &Outbox{
		onResync: o.OnResync, capacity: o.Capacity, ready: make(chan struct{}, 1),
		queue: make([]*Event, min(o.Capacity, 64)),
	}
}

// Put appends an event and says true, or drops it with all that wait and says false. The event belongs to the
// Outbox from now on.
func (o *Outbox) Put(ev *Event) bool {
	o.mu.Lock()
	if o.n < o.capacity {
		if o.n == len(o.queue) {
			o.growLocked()
		}
		o.queue[(o.head+o.n)%len(o.queue)] = ev
		o.n++
		o.mu.Unlock()
		o.wake()
		return true
	}
	o.dropped += uint64(o.n) + 1
	clear(o.queue)
	o.head, o.n = 0, 0
	ask := !o.resync
	o.resync = true
	o.mu.Unlock()
	if ask && o.onResync != nil {
		o.onResync()
	}
	return false
}

func (o *Outbox) growLocked() {
	bigger := make([]*Event, min(2*len(o.queue), o.capacity))
	n := copy(bigger, o.queue[o.head:])
	copy(bigger[n:], o.queue[:o.head])
	o.queue, o.head = bigger, 0
}

// NeedResync says once that the node must put its full state again: transport states and occupancies of all
// transports that report to this instance.
func (o *Outbox) NeedResync() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.resync
	o.resync = false
	return was
}

// AskResync makes NeedResync true.
func (o *Outbox) AskResync() {
	o.mu.Lock()
	ask := !o.resync
	o.resync = true
	o.mu.Unlock()
	if ask && o.onResync != nil {
		o.onResync()
	}
}

// Ready receives after a Put. One token may stand for many events.
func (o *Outbox) Ready() <-chan struct{} { return o.ready }

// Take moves up to len(into) events out, oldest first.
func (o *Outbox) Take(into []*Event) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(o.n, len(into))
	for i := range n {
		into[i] = o.queue[o.head]
		o.queue[o.head] = nil
		o.head = (o.head + 1) % len(o.queue)
	}
	o.n -= n
	return n
}

// Dropped counts the events that an overflow threw away.
func (o *Outbox) Dropped() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}

func (o *Outbox) wake() {
	select {
	case o.ready <- struct{}{}:
	default:
	}
}
