package handover

import (
	"errors"
	"sync/atomic"
)

// ErrSize is an unusable size.
var ErrSize = errors.New("handover: sizes must be powers of two")

// Queue hands values with a payload from one goroutine to another.
type Queue[T any] struct {
	// static
	entries []entry[T]
	bytes   []byte

	head atomic.Uint64 // entries put, as the reader sees it
	_    [56]byte      // the two ends are written on different cores
	tail atomic.Uint64 // entries taken: the writer may use their place again
	_    [56]byte

	// owned by the writer
	put   uint64 // entries put, published or not
	end   uint64 // bytes used, counted from the first ever
	taken uint64 // the tail as it was last seen
	free  uint64 // bytes given back, counted like end
}

type entry[T any] struct {
	value   T
	at, end uint64 // its payload, and how far the bytes are used with it
	len     int
}

// New makes a queue of so many values, with so much room for payloads.
func New[T any](values, bytes int) (*Queue[T], error) {
	if values < 2 || values&(values-1) != 0 || bytes < 2 || bytes&(bytes-1) != 0 {
		return nil, ErrSize
	}
	return &Queue[T]{entries: make([]entry[T], values), bytes: make([]byte, bytes)}, nil
}

// Put queues a value and a copy of its payload. False: there is no room, or only the reserved places are left.
func (q *Queue[T]) Put(v T, payload []byte, reserved int) bool {
	size, mask := uint64(len(q.entries)), uint64(len(q.entries)-1)
	if t := q.tail.Load(); t != q.taken {
		q.taken, q.free = t, q.entries[(t-1)&mask].end
	}
	if q.put-q.taken+uint64(reserved) >= size {
		return false
	}
	at, n, room := q.end, uint64(len(payload)), uint64(len(q.bytes))
	if at%room+n > room { // in one piece
		at += room - at%room
	}
	if at+n-q.free > room {
		return false
	}
	copy(q.bytes[at%room:], payload)
	q.end = at + n
	q.entries[q.put&mask] = entry[T]{value: v, at: at % room, end: q.end, len: len(payload)}
	q.put++
	return true
}

// Publish shows the reader all that was put. It says whether there was anything new.
func (q *Queue[T]) Publish() bool {
	if q.head.Load() == q.put {
		return false
	}
	q.head.Store(q.put)
	return true
}

// Take hands everything that is there to f, in order. The value and payload are f's until it returns.
func (q *Queue[T]) Take(f func(v *T, payload []byte)) (n int) {
	mask := uint64(len(q.entries) - 1)
	tail, head := q.tail.Load(), q.head.Load()
	for ; tail < head; tail++ {
		e := &q.entries[tail&mask]
		f(&e.value, q.bytes[e.at:e.at+uint64(e.len)])
		var none T
		e.value = none
		q.tail.Store(tail + 1)
		n++
	}
	return n
}
