package link

import (
	"math/rand/v2"
	"time"
)

// Stalls are times in which a machine does not run a program, by chance. All that comes meanwhile the program takes
// together afterwards, one packet after the other.
type Stalls struct {
	Least, Most time.Duration
	Apart       time.Duration // on average, from the end of one to the next; 0: there are none
	Each        time.Duration // that the program takes for a packet
}

// Machine is the course of stalls. Moments that are asked for never go back by much. Not for concurrent use.
type Machine struct {
	o        Stalls
	random   *rand.Rand
	from, to time.Duration // of the newest stall
	done     time.Duration // with the last packet
}

// NewMachine makes one.
func NewMachine(o Stalls, seed uint64) *Machine {
	return &Machine{o: o, random: rand.New(rand.NewPCG(seed, 78))}
}

// Runs is when the program runs next at a moment or after it.
func (m *Machine) Runs(at time.Duration) time.Duration {
	if m.o.Apart == 0 {
		return at
	}
	for at >= m.to {
		m.from = m.to + time.Duration(m.random.ExpFloat64()*float64(m.o.Apart))
		m.to = m.from + m.o.Least + time.Duration(m.random.Int64N(int64(m.o.Most-m.o.Least)+1))
	}
	if at >= m.from {
		return m.to
	}
	return at
}

// Takes is when the program takes a packet that comes at a moment.
func (m *Machine) Takes(at time.Duration) time.Duration {
	m.done = max(m.Runs(at), m.done+m.o.Each)
	return m.done
}
