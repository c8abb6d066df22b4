package link

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"incamera/media/layer"
)

// Step is the bottleneck's rate from a moment on.
type Step struct {
	At   time.Duration
	Rate layer.Bitrate // 0: no bottleneck
}

// Options of a Link. The zero value delivers everything at once.
type Options struct {
	Rates     []Step // by time; before the first there is no bottleneck
	Bucket    int    // bytes that pass at once after a quiet time, as through a shaper
	Queue     int    // bytes that may wait before the bottleneck; 0: no limit
	Delay     time.Duration
	Jitter    time.Duration // more, up to this, evenly spread; it keeps the order
	Loss      float64       // share of packets, one by one
	BurstLoss float64       // share of packets, in bursts of Burst
	Burst     int
	Reorder   float64       // share of packets that others overtake
	Duplicate float64       // share of packets that come twice
	Stall     time.Duration // so long the receiver's machine does nothing else but something else,
	StallEach time.Duration // once in this time
	Stalls    Stalls        // likewise, by chance
}

// Link carries packets of T one way. Not for concurrent use.
type Link[T any] struct {
	// static
	o      Options
	random *rand.Rand

	at      time.Duration // until when the queue was served
	backlog float64       // bytes in the queue
	left    int           // packets of a burst still to be lost
	last    time.Duration // newest arrival in order
	order   int
	flying  flight[T]
	machine *Machine // of the receiver

	// Sent, Lost and Dropped count packets: lost by chance, dropped at the full queue. Bytes passed the bottleneck.
	Sent, Lost, Dropped, Bytes int
}

// reorderBy is by how much a reordered packet is later than its turn.
const reorderBy = 20 * time.Millisecond

// New makes one.
func New[T any](o Options, seed uint64) *Link[T] {
	return &Link[T]{o: o, random: rand.New(rand.NewPCG(seed, 77)), machine: NewMachine(o.Stalls, seed)}
}

type arrival[T any] struct {
	at    time.Duration
	order int
	what  T
}

type flight[T any] []arrival[T]

func (f flight[T]) Len() int { return len(f) }
func (f flight[T]) Less(i, j int) bool {
	return f[i].at < f[j].at || f[i].at == f[j].at && f[i].order < f[j].order
}
func (f flight[T]) Swap(i, j int) { f[i], f[j] = f[j], f[i] }

// Push implements heap.Interface.
func (f *flight[T]) Push(x any) { *f = append(*f, x.(arrival[T])) }

// Pop implements heap.Interface.
func (f *flight[T]) Pop() any {
	old := *f
	x := old[len(old)-1]
	*f = old[:len(old)-1]
	return x
}

// rate is the bottleneck's rate at t in bytes per nanosecond, and until when it holds.
func (l *Link[T]) rate(t time.Duration) (bytes float64, until time.Duration) {
	until = 1 << 62
	for _, s := range l.o.Rates {
		if s.At > t {
			until = s.At
			break
		}
		bytes = float64(s.Rate) / 8 / float64(time.Second)
	}
	return bytes, until
}

// serve lets the queue drain until now.
func (l *Link[T]) serve(now time.Duration) {
	for l.at < now {
		r, until := l.rate(l.at)
		until = min(until, now)
		if r == 0 {
			l.backlog = 0
		}
		l.backlog = max(l.backlog-r*float64(until-l.at), -float64(l.o.Bucket))
		l.at = until
	}
}

// Queue is how long a packet sent now would wait.
func (l *Link[T]) Queue(now time.Duration) time.Duration {
	l.serve(now)
	return l.passes(l.backlog, now) - now
}

// passes says when so many bytes will have passed the bottleneck.
func (l *Link[T]) passes(bytes float64, now time.Duration) time.Duration {
	for t := now; ; {
		r, until := l.rate(t)
		if r == 0 || bytes <= 0 {
			return t
		}
		if need := time.Duration(bytes / r); t+need <= until {
			return t + need
		}
		bytes -= r * float64(until-t)
		t = until
	}
}

// Send puts a packet on its way.
func (l *Link[T]) Send(what T, size int, now time.Duration) {
	l.serve(now)
	l.Sent++
	if l.o.Queue > 0 && l.backlog+float64(size) > float64(l.o.Queue) {
		l.Dropped++
		return
	}
	l.backlog += float64(size)
	l.Bytes += size
	passed := l.passes(l.backlog, now)
	if r, _ := l.rate(now); r == 0 {
		l.backlog = 0
	}
	if l.lose() {
		l.Lost++
		return
	}
	at := passed + l.o.Delay
	if l.o.Jitter > 0 {
		at += time.Duration(l.random.Int64N(int64(l.o.Jitter)))
	}
	if l.o.Reorder > 0 && l.random.Float64() < l.o.Reorder {
		at += reorderBy
	} else {
		at = max(at, l.last)
		l.last = at
	}
	if l.o.StallEach > 0 {
		at += max(l.o.Stall-at%l.o.StallEach, 0)
	}
	if l.o.Stalls.Apart > 0 {
		at = l.machine.Takes(at)
	}
	l.arrive(what, at)
	if l.o.Duplicate > 0 && l.random.Float64() < l.o.Duplicate {
		l.arrive(what, at+time.Millisecond)
	}
}

func (l *Link[T]) lose() bool {
	if l.left > 0 {
		l.left--
		return true
	}
	if l.o.BurstLoss > 0 && l.random.Float64() < l.o.BurstLoss/float64(max(l.o.Burst, 1)) {
		l.left = l.o.Burst - 1
		return true
	}
	return l.o.Loss > 0 && l.random.Float64() < l.o.Loss
}

func (l *Link[T]) arrive(what T, at time.Duration) {
	l.order++
	heap.Push(&l.flying, arrival[T]{at: at, order: l.order, what: what})
}

// Receive gives the next packet that has arrived, and when it did.
func (l *Link[T]) Receive(now time.Duration) (what T, at time.Duration, ok bool) {
	if len(l.flying) == 0 || l.flying[0].at > now {
		return what, 0, false
	}
	a := heap.Pop(&l.flying).(arrival[T])
	return a.what, a.at, true
}
