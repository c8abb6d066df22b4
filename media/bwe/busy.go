package bwe

import (
	"time"

	"incamera/media/twcc"
)

const (
	busyQueue  = 10 * time.Millisecond  // of delay, and the link is taken for busy
	busyLeast  = 40 * time.Millisecond  // of arrivals tell a rate
	busyFew    = 6                      // packets do not
	busyPart   = 200 * time.Millisecond // the rate is that of the last one to two parts
	chokeFew   = 4                      // packets behind one another
	chokeTwice = 2                      // times as slow as what is sent
	chokeQueue = 40 * time.Millisecond  // and they wait so long already: the link has shrunk
	seemsTimes = 3                      // times as slow: it may have shrunk
	passLeast  = 20 * time.Millisecond  // is what packets take that tell of it
	stall      = 120 * time.Millisecond // so long no packet takes but for another reason
)

// busy measures what a link delivers since packets wait before it: while they do, that is all that it can. It needs no
// window to pass before a link that has shrunk is known.
type busy struct {
	any         bool
	older       stretch // the part before
	part        stretch
	sent, began time.Duration // of the packet before the first of the part
	prevSent    time.Duration
	prevArrived time.Duration
	queue       time.Duration // of the newest packet
	last        time.Duration // newest arrival
	lastSent    time.Duration // when that was sent
	newest      uint8         // place in recent
	recent      [recentMost]arrival
}

// recentMost is how many packets are looked at one by one.
const recentMost = 8

// arrival is a packet's size, how long it waited, and how much later it came than the one before: where it was waiting
// already then, that is how long the link took for it.
type arrival struct {
	size             int
	queue, gap, sent time.Duration // sent is how much later than the one before it was sent
}

// stretch is a run of packets: how long they took to leave, and to arrive.
type stretch struct {
	sent, arrived time.Duration
	bytes, n      int

	slow [2]late // the packets that came longest after the ones before
}

// late is by how much a packet came later than the one before, by how much it was sent later, and its size.
type late struct {
	gap, sent time.Duration
	size      int
}

// slower keeps the longest two.
func (s *stretch) slower(l late) {
	if l.gap > s.slow[0].gap {
		s.slow[0], l = l, s.slow[0]
	}
	if l.gap > s.slow[1].gap {
		s.slow[1] = l
	}
}

// packet takes an arrival, and how much longer than the shortest its way was.
func (b *busy) packet(a twcc.Ack, queue time.Duration) {
	b.newest = (b.newest + 1) % recentMost
	b.recent[b.newest] = arrival{size: a.Size, queue: queue, gap: max(a.Arrived-b.last, 0), sent: a.Sent - b.lastSent}
	b.last, b.lastSent, b.queue = a.Arrived, a.Sent, queue
	if !b.any || queue < busyQueue || a.Arrived < b.began {
		if b.any = true; b.part.n > 0 {
			b.older, b.part = stretch{}, stretch{}
		}
		b.sent, b.began, b.prevSent, b.prevArrived = a.Sent, a.Arrived, a.Sent, a.Arrived
		return
	}
	if b.part.arrived >= busyPart {
		b.older, b.part = b.part, stretch{}
		b.sent, b.began = b.prevSent, b.prevArrived
	}
	b.part.slower(late{gap: a.Arrived - b.prevArrived, sent: a.Sent - b.prevSent, size: a.Size})
	b.part.bytes += a.Size
	b.part.n++
	b.part.sent, b.part.arrived = a.Sent-b.sent, a.Arrived-b.began
	b.prevSent, b.prevArrived = a.Sent, a.Arrived
}

// all is what is known since packets wait, without the two packets that came longest after the ones before: a machine that
// does nothing for a while is no slow link.
func (b *busy) all() stretch {
	s := b.part
	s.sent += b.older.sent
	s.arrived += b.older.arrived
	s.bytes += b.older.bytes
	s.n += b.older.n
	for _, l := range b.older.slow {
		s.slower(l)
	}
	for _, l := range s.slow {
		if l.size == 0 {
			break
		}
		s.sent -= l.sent
		s.arrived -= l.gap
		s.bytes -= l.size
		s.n--
	}
	return s
}

// told says that the stretch is enough to tell a rate.
func (s *stretch) told() bool { return s.n >= busyFew && s.arrived >= busyLeast }

// rates are those at which packets arrived and at which they left; 0 when that is not known.
func (b *busy) rates(usual Bitrate) (arrived, left Bitrate) {
	s, to := b.all(), b.chokes(usual)
	switch {
	case s.told():
	case to > 0:
		return to, usual
	default:
		return 0, 0
	}
	arrived = rateOf(s.bytes, s.arrived)
	if to > 0 {
		arrived = min(arrived, to) // the ones before are of the link that it was
	}
	return arrived, rateOf(s.bytes, s.sent)
}

// sure says that packets have come for a while, each of them late: it is no machine that has just begun to take what
// came while it did nothing.
func (b *busy) sure() bool {
	s := b.all()
	return s.told()
}

// chokes is what a link that has just shrunk delivers, as soon as a few packets show it: each moment counts then. 0: it
// has not. Usual is the rate at which packets were sent.
func (b *busy) chokes(usual Bitrate) Bitrate {
	if b.queue < chokeQueue {
		return 0
	}
	return b.passes(chokeFew, usual/chokeTwice, true)
}

// seems is what the link would deliver if the very last packets told it, 0 when that is not much less than usual. It is
// too little to go by for long, and enough to wait for the next feedback.
func (b *busy) seems(usual Bitrate) Bitrate {
	return b.passes(1, usual/seemsTimes, false)
}

// passes is the rate at which the last packets passed the link one behind the other, few of them or more; 0 when that is
// not less than below. A machine that does nothing for a while is no slow link: what it then takes all at once tells a
// high rate, and that it began late is the matter of the packets that butSlow leaves out.
func (b *busy) passes(few int, below Bitrate, butSlow bool) Bitrate {
	var s stretch
	for n := range recentMost {
		p := &b.recent[(b.newest+recentMost-uint8(n))%recentMost]
		passed := min(p.gap, p.queue) // it waited for the one before, or found nothing before it
		if p.queue < busyQueue || !butSlow && passed > stall {
			break
		}
		s.bytes += p.size
		s.arrived += passed
		s.sent += p.sent
		s.slower(late{gap: passed, size: p.size})
		bytes, took := s.bytes, s.arrived
		if butSlow {
			bytes -= s.slow[0].size + s.slow[1].size
			took -= s.slow[0].gap + s.slow[1].gap
		}
		if n+1 < few || took < passLeast {
			continue
		}
		if rate := rateOf(bytes, took); rate < below && s.arrived*4 > s.sent*5 {
			return rate
		}
		break
	}
	return 0
}
