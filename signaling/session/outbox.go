package session

import (
	"sync"

	"incamera/signaling/wire"
)

// Drop is why the server gave a socket up or lost a message for it; it is also the metric's label.
type Drop string

// Drop reasons.
const (
	DropSlowCount    Drop = "slow_messages" // too many messages waiting
	DropSlowBytes    Drop = "slow_bytes"    // too many bytes waiting
	DropWriteTimeout Drop = "write_timeout"
	DropWriteFailed  Drop = "write_failed"
	DropIdle         Drop = "idle"
	DropHelloTimeout Drop = "hello_timeout"
	DropEntryTimeout Drop = "entry_timeout"
	DropBadMessage   Drop = "bad_message"
	DropTooLarge     Drop = "too_large"
	DropRate         Drop = "rate"
	DropFailures     Drop = "failed_entries"
	DropProtocol     Drop = "protocol"
)

const (
	outboxMessages = 512
	outboxBytes    = 1 << 20
)

// item is one encoded message. Of two waiting items with the same non-empty key only the newer is sent.
type item struct {
	data []byte
	key  string
}

// farewell is how the socket ends: the writer sends what is queued, then the close frame.
type farewell struct {
	code   wire.CloseCode
	reason string
}

// outbox is the bounded queue between everyone who speaks to a client and the writer loop.
type outbox struct {
	wake   chan struct{} // capacity 1
	onDrop func(Drop)

	mu    sync.Mutex
	queue []item
	bytes int
	end   *farewell
}

func newOutbox(onDrop func(Drop)) *outbox {
	return &outbox{wake: make(chan struct{}, 1), onDrop: onDrop}
}

// push queues a message and wakes the writer. When the queue is full the client does not read: what waits is thrown away and the socket
// closes, so that the client comes back and resumes.
func (o *outbox) push(data []byte, key string) {
	o.put(data, key)
	o.signal()
}

// put queues a message for a writer who is woken later.
func (o *outbox) put(data []byte, key string) {
	o.mu.Lock()
	drop := o.pushLocked(item{data, key})
	o.mu.Unlock()
	if drop != "" {
		o.onDrop(drop)
		o.signal()
	}
}

func (o *outbox) pushLocked(it item) Drop {
	if o.end != nil {
		return ""
	}
	if it.key != "" {
		for i := range o.queue {
			if o.queue[i].key == it.key {
				o.bytes += len(it.data) - len(o.queue[i].data)
				o.queue[i].data = it.data
				return ""
			}
		}
	}
	var drop Drop
	switch {
	case len(o.queue) >= outboxMessages:
		drop = DropSlowCount
	case o.bytes+len(it.data) > outboxBytes && len(o.queue) > 0:
		drop = DropSlowBytes
	}
	if drop != "" {
		o.queue, o.bytes = nil, 0
		o.end = &farewell{wire.CloseIdle, string(drop)}
		return drop
	}
	o.queue = append(o.queue, it)
	o.bytes += len(it.data)
	return ""
}

// close queues the last message (may be nil) and ends the socket after it; the first caller wins.
func (o *outbox) close(last []byte, code wire.CloseCode, reason string) bool {
	o.mu.Lock()
	first := o.end == nil
	if first {
		if last != nil {
			o.queue = append(o.queue, item{data: last})
			o.bytes += len(last)
		}
		o.end = &farewell{code, reason}
	}
	o.mu.Unlock()
	o.signal()
	return first
}

// closing says whether the end has been decided.
func (o *outbox) closing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.end != nil
}

// Of what waits so much is taken at once; the rest still counts as waiting.
const (
	takeMessages = 64
	takeBytes    = 64 << 10
)

// take gives the next messages, all that are there up to a bound, or the farewell when none is left.
func (o *outbox) take(into [][]byte) (messages [][]byte, end *farewell) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return nil, o.end
	}
	n, bytes := 0, 0
	for n < len(o.queue) && n < takeMessages && (n == 0 || bytes+len(o.queue[n].data) <= takeBytes) {
		bytes += len(o.queue[n].data)
		into = append(into, o.queue[n].data)
		o.queue[n] = item{}
		n++
	}
	if o.queue = o.queue[n:]; len(o.queue) == 0 {
		o.queue = nil
	}
	o.bytes -= bytes
	return into, nil
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
