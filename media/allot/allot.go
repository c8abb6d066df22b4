package allot

import (
	"time"

	"incamera/media/layer"
)

const (
	headroom     = 104                     // a step up needs this much of its total, in percent
	clearly      = 115                     // a paused picture comes back when this much is there, in percent
	ample        = 130                     // with this much of what all want, in percent, nothing is held back
	slack        = 110                     // what is shown may cost this much of the budget, in percent, for graceTime
	graceTime    = 1200 * time.Millisecond // a measured bitrate counts the key frame that a switch begins with for a second
	patient      = 120                     // what is left when all pictures are as small as they get may cost this much, in percent,
	patientLast  = 200                     // or this much when it is the last picture,
	patience     = 3 * time.Second         // for so long: an estimate falls too low for a while when a link shrinks
	holdUp       = time.Second             // a step up must have been affordable for this long
	upApart      = 500 * time.Millisecond  // between steps up: each begins with a key frame
	holdFirst    = 300 * time.Millisecond  // a picture that was never shown must have been affordable for this long
	holdBack     = 1500 * time.Millisecond // a picture must have been clearly affordable for this long to come back
	holdInstead  = 8 * time.Second         // and for this long when another has to pause for it
	undoneUp     = 10 * time.Second        // a step up that is taken back within this time was a mistake
	undoneBack   = 60 * time.Second        // likewise a picture that came back
	backoffFirst = 4 * time.Second         // after the first mistake no steps up for this long; it doubles
	backoffBack  = 20 * time.Second        // after a picture had to pause again soon
	backoffMost  = 4 * time.Minute         //
	forgetAfter  = 2 * time.Minute         // without a mistake the next one is a first one again
	surely       = 80                      // what costs this much of what failed, in percent, is no mistake again
	better       = 150                     // a budget of this much of what failed, in percent, ends the back-off
)

// Memory is what a receiver's allocation remembers between calls, besides what its slots carry. The zero value is ready.
// Not for concurrent use.
type Memory struct {
	order   []uint8
	over    bool
	overAt  time.Duration
	upAt    time.Duration // last step up, 0: none
	upCost  layer.Bitrate // what all cost together after it
	backAt  time.Duration // when a picture last came back, 0: never
	backoff time.Duration
	until   time.Duration // no steps up before
	failed  layer.Bitrate // what the link could not carry
	mistake time.Duration // when the last one was made, 0: never
}

// Allot divides a budget for video (what sound needs is taken off before; 0: nothing is known to limit it) among the
// slots of one receiver, and writes Target, Ask and Paused of each. It goes down at once when it must, and up only with
// headroom, after a while, and later and later when the link did not bear it. At most 255 slots are served.
func (m *Memory) Allot(budget layer.Bitrate, slots []Slot, now time.Duration) {
	slots = slots[:min(len(slots), 255)]
	for i := range slots {
		slots[i].prepare()
	}
	m.sort(slots)
	sum := sums(slots)
	if budget <= 0 || !sum.paused && m.mayRise(budget, now) && sum.all <= budget*100/ample {
		if budget <= 0 {
			*m = Memory{order: m.order}
		}
		m.giveAll(slots, sum.sent, now)
		return
	}
	run := func(mode int, budget layer.Bitrate, to func(*Slot)) {
		plan(slots, m.order, mode, budget)
		for i := range slots {
			to(&slots[i])
		}
	}
	run(living, budget, func(s *Slot) { s.want, s.asked = s.next, s.next })
	run(living, budget*100/headroom, func(s *Slot) { s.safe, s.askSafe = s.next, s.next })
	run(living, budget*100/clearly, func(s *Slot) { s.sure = s.next })
	if sum.off {
		run(all, budget, func(s *Slot) { s.asked = s.next })
		run(all, budget*100/headroom, func(s *Slot) { s.askSafe = s.next })
	}
	m.keep(slots)
	m.raise(budget, slots, now)
	m.lower(budget, slots, now)
	m.finish(slots)
}

// sort puts the slots in the order of importance. It is nearly sorted from the last time.
func (m *Memory) sort(slots []Slot) {
	if len(m.order) != len(slots) {
		m.order = m.order[:0]
		for i := range slots {
			m.order = append(m.order, uint8(i))
		}
	}
	o := m.order
	for i := 1; i < len(o); i++ {
		for k := i; k > 0; k-- {
			a, b := &slots[o[k]], &slots[o[k-1]]
			if !a.before(b) && (b.before(a) || o[k] > o[k-1]) {
				break
			}
			o[k], o[k-1] = o[k-1], o[k]
		}
	}
}

// wanted is what all that is wanted costs.
type wanted struct {
	sent, all layer.Bitrate // of what is sent; with what could be sent
	off       bool          // something wanted is not sent
	paused    bool          // somebody waits
}

func sums(slots []Slot) (w wanted) {
	for i := range slots {
		s := &slots[i]
		w.sent += s.price(s.chains[living].top())
		w.all += max(s.price(s.chains[all].top()), s.price(s.chains[living].top()))
		w.off = w.off || s.chains[living] != s.chains[all]
		w.paused = w.paused || s.paused
	}
	return w
}

// total is what the targets cost.
func total(slots []Slot) (sum layer.Bitrate) {
	for i := range slots {
		sum += slots[i].price(slots[i].Target)
	}
	return sum
}

// Floor is what the cheapest of the pictures that are shown costs at the least, 0 when none is. Call it after Allot.
func Floor(slots []Slot) (least layer.Bitrate) {
	for i := range slots {
		s := &slots[i]
		c := &s.chains[living]
		if s.Target == None || c.n == 0 {
			continue
		}
		if price := s.price(int(c.index[0])); least == 0 || price < least {
			least = price
		}
	}
	return least
}

// giveAll is for a link that limits nothing.
func (m *Memory) giveAll(slots []Slot, cost layer.Bitrate, now time.Duration) {
	for i := range slots {
		s := &slots[i]
		s.Target = s.chains[living].top()
		s.Ask = s.Need
		if !s.fresh && s.Target > s.current {
			m.upAt, m.upCost = now, cost
		}
		s.shown = s.shown || s.Target != None
		s.Paused, s.paused, s.rising, s.back, s.ask = false, false, false, false, s.Ask
	}
	m.over = false
}

// mayRise says whether steps up are allowed: not soon after one that the link did not bear, unless it is another link now.
func (m *Memory) mayRise(budget layer.Bitrate, now time.Duration) bool {
	return now >= m.until || budget >= m.failed*better/100
}
