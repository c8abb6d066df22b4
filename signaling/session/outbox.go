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

// push queues a message. When the queue is full the client does not read: what waits is thrown away and the socket
// closes, so that the client comes back and resumes.
func (o *outbox) push(data []byte, key string) {
	o.mu.Lock()
	drop := o.pushLocked(item{data, key})
	o.mu.Unlock()
	if drop != "" {
		o.onDrop(drop)
	}
	o.signal()
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

// take gives the next message, or the farewell when none is left.
func (o *outbox) take() (data []byte, end *farewell) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return nil, o.end
	}
	it := o.queue[0]
	o.queue[0] = item{}
	o.queue = o.queue[1:]
	o.bytes -= len(it.data)
	return it.data, nil
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
