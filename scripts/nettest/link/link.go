// Package link is one direction of a bad network as a sum over packets: loss in runs, a queue before a slow line, delay,
// jitter, packets held back and packets doubled. It has no clock and no socket, and the same seed loses the same packets.
package link

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"
)

// Settings say how bad the direction is. The zero value passes everything at once.
type Settings struct {
	Delay     time.Duration // of every packet
	Jitter    time.Duration // up to this much more, evenly spread; it keeps the order
	Loss      float64       // share of packets lost, 0 to 1
	Burst     float64       // mean length of a run of losses; up to 1: each packet by itself
	Reorder   float64       // share of packets held back by HoldBack, so that later ones overtake
	HoldBack  time.Duration // 0: 15 ms
	Duplicate float64       // share of packets that come twice
	Rate      int64         // bits per second of the line; 0: no limit
	Queue     int           // bytes that wait before the line; what comes then is dropped. 0: 64 KiB
}

const (
	defaultQueue    = 64 << 10
	defaultHoldBack = 15 * time.Millisecond
	twinLag         = time.Millisecond
)

// Validate tells settings that no network can have.
func (s Settings) Validate() error {
	for name, share := range map[string]float64{"loss": s.Loss, "reorder": s.Reorder, "duplicate": s.Duplicate} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("%s %v is not within 0 and 1", name, share)
		}
	}
	if s.Delay < 0 || s.Jitter < 0 || s.HoldBack < 0 || s.Rate < 0 || s.Queue < 0 || s.Burst < 0 {
		return fmt.Errorf("settings below zero: %+v", s)
	}
	return nil
}

// Counters tell what became of the packets since the beginning.
type Counters struct {
	In, Out           uint64 // packets offered; packets delivered, twins included
	InBytes, OutBytes uint64
	Lost              uint64 // by Loss
	Dropped           uint64 // the queue was full
	Held, Doubled     uint64
	Queued            int           // bytes that wait now
	Waited            time.Duration // longest wait in the queue since TakeWaited
}

type waiting struct {
	data  []byte
	since time.Duration
}

type flying struct {
	data []byte
	due  time.Duration
	nth  uint64 // ties keep the order
}

// Direction is one direction of a link. Times are since any fixed moment and never run backwards.
type Direction struct {
	set     Settings
	rand    *rand.Rand
	losing  bool // in a run of losses
	queue   []waiting
	started time.Duration // when the head of the queue began to go onto the line
	air     flights
	last    time.Duration // when the newest packet in order is due
	nth     uint64
	count   Counters
}

// New gives a direction that passes everything until Set says otherwise.
func New(seed uint64) *Direction {
	return &Direction{rand: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// Set changes the direction from now on; what waits goes out at the new rate.
func (d *Direction) Set(now time.Duration, s Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	d.advance(now)
	d.set = s
	d.started = now
	if s.Loss == 0 {
		d.losing = false
	}
	d.advance(now)
	return nil
}

// Offer takes a packet in; the direction owns data from then on.
func (d *Direction) Offer(now time.Duration, data []byte) {
	d.advance(now)
	d.count.In++
	d.count.InBytes += uint64(len(data))
	if d.lose() {
		d.count.Lost++
		return
	}
	limit := d.set.Queue
	if limit == 0 {
		limit = defaultQueue
	}
	if d.set.Rate > 0 && d.count.Queued+len(data) > limit {
		d.count.Dropped++
		return
	}
	if len(d.queue) == 0 {
		d.started = now
	}
	d.queue = append(d.queue, waiting{data, now})
	d.count.Queued += len(data)
	d.advance(now)
}

// Next is when Take has something to give or the line is free again; false: never, unless a packet comes.
func (d *Direction) Next() (time.Duration, bool) {
	var at time.Duration
	ok := false
	if len(d.air) > 0 {
		at, ok = d.air[0].due, true
	}
	if len(d.queue) > 0 {
		if done := d.started + d.lineTime(len(d.queue[0].data)); !ok || done < at {
			at, ok = done, true
		}
	}
	return at, ok
}

// Take gives the next packet that has arrived by now; nil: none has.
func (d *Direction) Take(now time.Duration) []byte {
	d.advance(now)
	if len(d.air) == 0 || d.air[0].due > now {
		return nil
	}
	f := heap.Pop(&d.air).(flying)
	d.count.Out++
	d.count.OutBytes += uint64(len(f.data))
	return f.data
}

// Counters are the sums so far.
func (d *Direction) Counters() Counters { return d.count }

// TakeWaited is the longest wait in the queue since the last call, what still waits included.
func (d *Direction) TakeWaited(now time.Duration) time.Duration {
	d.advance(now)
	longest := d.count.Waited
	if len(d.queue) > 0 {
		longest = max(longest, now-d.queue[0].since)
	}
	d.count.Waited = 0
	return longest
}

// lose decides by a chain of two states, so that runs are Burst long in the mean and Loss is the share over time.
func (d *Direction) lose() bool {
	if d.set.Loss == 0 {
		return false
	}
	if d.set.Burst <= 1 || d.set.Loss == 1 {
		return d.rand.Float64() < d.set.Loss
	}
	end := 1 / d.set.Burst
	if d.losing {
		d.losing = d.rand.Float64() >= end
	} else {
		d.losing = d.rand.Float64() < end*d.set.Loss/(1-d.set.Loss)
	}
	return d.losing
}

func (d *Direction) lineTime(size int) time.Duration {
	if d.set.Rate == 0 {
		return 0
	}
	return time.Duration(int64(size) * 8 * int64(time.Second) / d.set.Rate)
}

// advance puts on the line what had its turn by now.
func (d *Direction) advance(now time.Duration) {
	for len(d.queue) > 0 {
		head := d.queue[0]
		done := d.started + d.lineTime(len(head.data))
		if done > now {
			return
		}
		d.queue = d.queue[1:]
		d.count.Queued -= len(head.data)
		d.count.Waited = max(d.count.Waited, done-head.since)
		d.started = done
		d.fly(done, head.data)
	}
}

func (d *Direction) fly(from time.Duration, data []byte) {
	due := from + d.set.Delay
	if d.set.Jitter > 0 {
		due += time.Duration(d.rand.Int64N(int64(d.set.Jitter) + 1))
	}
	if d.set.Reorder > 0 && d.rand.Float64() < d.set.Reorder {
		back := d.set.HoldBack
		if back == 0 {
			back = defaultHoldBack
		}
		d.count.Held++
		due += back
	} else {
		due = max(due, d.last)
		d.last = due
	}
	d.put(due, data)
	if d.set.Duplicate > 0 && d.rand.Float64() < d.set.Duplicate {
		d.count.Doubled++
		d.put(due+twinLag, data)
	}
}

func (d *Direction) put(due time.Duration, data []byte) {
	d.nth++
	heap.Push(&d.air, flying{data, due, d.nth})
}

// flights is a heap by arrival.
type flights []flying

func (f flights) Len() int      { return len(f) }
func (f flights) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)   { *f = append(*f, x.(flying)) }
func (f flights) Less(i, j int) bool {
	return f[i].due < f[j].due || f[i].due == f[j].due && f[i].nth < f[j].nth
}
func (f *flights) Pop() any {
	old := *f
	last := old[len(old)-1]
	old[len(old)-1] = flying{}
	*f = old[:len(old)-1]
	return last
}
