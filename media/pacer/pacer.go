package pacer

import (
	"time"

	"incamera/media/layer"
)

const (
	// Tolerance is how far ahead of its rate a pacer may be: what a frame's first packets need, and what a tick brings.
	Tolerance = 10 * time.Millisecond
	// Longest is the most that a queue may hold, in time at its rate.
	Longest = 300 * time.Millisecond
	// MaxPackets is the most that a queue may hold of one class.
	MaxPackets = 512
	fewest     = 16                     // room at first
	debtMost   = 200 * time.Millisecond // of what is never queued
)

// Class is what kind of packet waits; lower goes first. Audio never waits, so it has no class.
type Class uint8

// The classes.
const (
	Repair  Class = iota // retransmissions
	Video                // new video
	classes              // probe padding waits in no queue: it is made when there is room
)

// Outcome of a Push.
type Outcome uint8

// The outcomes.
const (
	Queued  Outcome = iota
	Full            // too many packets wait
	TooSlow         // it would wait too long
)

// Queue paces one receiver: a token bucket, and what waits for it, oldest first by class. T names a packet without
// holding it. The zero value is ready and passes everything until a rate is set. Not for concurrent use.
type Queue[T any] struct {
	perByte time.Duration // in 1/1024 ns; 0: no limit
	free    time.Duration // when all that was sent has its time used up
	bytes   int
	class   [classes]fifo[T]
}

type item[T any] struct {
	what T
	size int
}

// fifo is a ring that grows to a bound: most receivers never need one.
type fifo[T any] struct {
	items []item[T]
	head  int
	n     int
}

func (f *fifo[T]) push(it item[T]) bool {
	if f.n == len(f.items) {
		if f.n >= MaxPackets {
			return false
		}
		more := make([]item[T], max(fewest, 2*f.n))
		for i := range f.n {
			more[i] = f.items[(f.head+i)%len(f.items)]
		}
		f.items, f.head = more, 0
	}
	f.items[(f.head+f.n)&(len(f.items)-1)] = it
	f.n++
	return true
}

func (f *fifo[T]) pop() item[T] {
	it := f.items[f.head]
	f.items[f.head] = item[T]{}
	f.head = (f.head + 1) & (len(f.items) - 1)
	f.n--
	return it
}

// SetRate sets the pace.
func (q *Queue[T]) SetRate(rate layer.Bitrate) {
	q.perByte = 0
	if rate > 0 {
		q.perByte = time.Duration(8 * 1024 * int64(time.Second) / int64(rate))
	}
}

func (q *Queue[T]) cost(size int) time.Duration { return time.Duration(size) * q.perByte / 1024 }

// Debit takes note of a packet that went out without asking: audio, and what Pass or Pop let go.
func (q *Queue[T]) Debit(size int, now time.Duration) {
	q.free = min(max(q.free, now-Tolerance)+q.cost(size), now+debtMost)
}

// Pass says whether a packet of video may go now: nothing waits before it and there is room. The caller sends it, and
// debits what it sent.
func (q *Queue[T]) Pass(now time.Duration) bool {
	return q.class[Repair].n == 0 && q.class[Video].n == 0 && q.free <= now
}

// Push lets a packet wait. When it does not say Queued, the packet was not taken.
func (q *Queue[T]) Push(c Class, what T, size int, now time.Duration) Outcome {
	if q.Delay(now)+q.cost(size) > Longest && q.bytes > 0 {
		return TooSlow
	}
	if !q.class[c].push(item[T]{what: what, size: size}) {
		return Full
	}
	q.bytes += size
	return Queued
}

// Pop gives the next packet that may go now. The caller sends it, and debits what it sent.
func (q *Queue[T]) Pop(now time.Duration) (what T, ok bool) {
	if q.free > now {
		return what, false
	}
	for c := range q.class {
		if f := &q.class[c]; f.n > 0 {
			it := f.pop()
			q.bytes -= it.size
			return it.what, true
		}
	}
	return what, false
}

// Delay is how long a packet that is queued now would wait.
func (q *Queue[T]) Delay(now time.Duration) time.Duration {
	return max(q.free-now, 0) + q.cost(q.bytes)
}

// Len is the number of packets that wait, Bytes their size.
func (q *Queue[T]) Len() int { return q.class[Repair].n + q.class[Video].n }

// Bytes is the size of what waits.
func (q *Queue[T]) Bytes() int { return q.bytes }

// Remove takes out what drop says, and gives how many.
func (q *Queue[T]) Remove(drop func(T) bool) (removed int) {
	for c := range q.class {
		f := &q.class[c]
		for range f.n {
			it := f.pop()
			if drop(it.what) {
				q.bytes -= it.size
				removed++
				continue
			}
			f.push(it)
		}
	}
	return removed
}
