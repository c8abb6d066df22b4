package main

import (
	"fmt"
	"slices"
	"time"

	"incamera/cmd/incamera/load/figures"
	"incamera/scripts/bench/servers"
	"incamera/scripts/bench/traffic"
)

// span is what one design did in one round.
type span struct {
	wall           time.Duration
	before, after  servers.Usage
	generator      float64 // share of its core that the generator's thread took to read
	publisher      float64
	late           time.Duration // 99 % of all bursts were sent with less delay
	lost, expected uint64
	foreign        float64 // share of all cores that other processes took
	stolen         float64 // and that the host gave to others
	latency        figures.Histogram
}

func (s *span) cpu() time.Duration { return s.after.CPU() - s.before.CPU() }
func (s *span) out() float64       { return float64(s.after.Out - s.before.Out) }
func (s *span) busy() float64      { return s.cpu().Seconds() / s.wall.Seconds() }
func (s *span) micros() float64    { return float64(s.cpu().Nanoseconds()) / 1000 / max(1, s.out()) }
func (s *span) depth() float64 {
	return float64(s.after.Datagrams-s.before.Datagrams) / max(1, float64(s.after.TxMessages-s.before.TxMessages))
}
func (s *span) perCall() float64 {
	return float64(s.after.Datagrams-s.before.Datagrams) / max(1, float64(s.after.TxCalls-s.before.TxCalls))
}

// measure lets a party play for a while.
func (p *party) measure(pattern traffic.Pattern, first, d time.Duration) (*span, error) {
	p.play(pattern)
	defer p.silence()
	time.Sleep(first)
	return p.during(d)
}

// during measures what is played; it ends the playing.
func (p *party) during(d time.Duration) (*span, error) {
	s := &span{}
	var err error
	lost, expected := p.lost()
	reading := p.loop.Busy()
	if s.before, err = p.server.Usage(); err != nil {
		return nil, err
	}
	began, all := time.Now(), machineNow(s.before.CPU())
	p.forget() // asking for its books holds a server of one core up
	time.Sleep(d)
	s.latency.Merge(p.latencies())
	if s.after, err = p.server.Usage(); err != nil {
		return nil, err
	}
	s.wall = time.Since(began)
	s.foreign, s.stolen = all.others(machineNow(s.after.CPU()))
	s.generator = (p.loop.Busy() - reading).Seconds() / s.wall.Seconds()
	lostNow, expectedNow := p.lost()
	s.lost, s.expected = lostNow-lost, expectedNow-expected
	if pl := p.sender; pl != nil {
		p.silence()
		s.late = pl.Late().Quantile(.99)
		s.publisher = pl.Busy()
	}
	if s.after.Out == s.before.Out && s.after.In == s.before.In {
		return nil, fmt.Errorf("%s forwarded nothing; dropped: %v", p.server.Design, s.after.Drops)
	}
	return s, nil
}

// lost is what all viewers miss, and what they should have.
func (p *party) lost() (lost, expected uint64) {
	c := p.seen.Counts()
	lost = uint64(max(c.Missing, 0))
	return lost, lost + c.Sound + c.Video
}

// trial is one comparison: rooms of one publisher and some viewers.
type trial struct {
	Rooms, Viewers int
	Pattern        traffic.Pattern
	Designs        []string
}

func (t *trial) String() string {
	if t.Rooms == 1 {
		return fmt.Sprintf("1 -> %d, %s", t.Viewers, t.Pattern.Name)
	}
	return fmt.Sprintf("%d x (1 -> %d), %s", t.Rooms, t.Viewers, t.Pattern.Name)
}

// outcome is a design's medians.
type outcome struct {
	Row        string  `json:"row"`
	Trial      string  `json:"trial"`
	Design     string  `json:"design"`
	Micros     float64 `json:"cpu_us_per_packet"`
	User       float64 `json:"user_us_per_packet"`
	Rate       float64 `json:"forwarded_per_second"`
	Busy       float64 `json:"core_busy"`
	PerMessage float64 `json:"packets_per_message"`
	PerCall    float64 `json:"packets_per_call"`
	Ratio      float64 `json:"of_stock,omitempty"`
	Floor      float64 `json:"of_floor,omitempty"`
	Lost       float64 `json:"lost"`
	Generator  float64 `json:"generator_busy"`
	Late       float64 `json:"generator_late_p99_ms"`
	Spread     float64 `json:"spread"`  // largest round by smallest
	Foreign    float64 `json:"foreign"` // share of all cores that other processes took
	Stolen     float64 `json:"stolen"`  // and the host
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

func outcomeOf(design string, t *trial, spans []*span) outcome {
	of := func(f func(*span) float64) float64 {
		var v []float64
		for _, s := range spans {
			v = append(v, f(s))
		}
		return median(v)
	}
	micros := func(s *span) float64 { return s.micros() }
	o := outcome{
		Trial: t.String(), Design: design, Micros: of(micros),
		User: of(func(s *span) float64 {
			return float64((s.after.User - s.before.User).Nanoseconds()) / 1000 / max(1, s.out())
		}),
		Rate:       of(func(s *span) float64 { return s.out() / s.wall.Seconds() }),
		Busy:       of(func(s *span) float64 { return s.busy() }),
		PerMessage: of(func(s *span) float64 { return s.depth() }),
		PerCall:    of(func(s *span) float64 { return s.perCall() }),
		Lost:       of(func(s *span) float64 { return float64(s.lost) / max(1, float64(s.expected)) }),
		Generator:  of(func(s *span) float64 { return s.generator + s.publisher }),
		Foreign:    of(func(s *span) float64 { return s.foreign }),
		Stolen:     of(func(s *span) float64 { return s.stolen }),
		Late:       of(func(s *span) float64 { return float64(s.late.Microseconds()) / 1000 }),
	}
	low, high := spans[0].micros(), spans[0].micros()
	for _, s := range spans {
		low, high = min(low, s.micros()), max(high, s.micros())
	}
	o.Spread = high / low
	return o
}

// compare runs a trial: all designs are up from the beginning and take turns.
func (b *bench) compare(name string, t trial) ([]outcome, error) {
	var parties []*party
	defer func() {
		for _, p := range parties {
			_ = p.close()
		}
	}()
	designs := b.designs(t.Designs...)
	for _, design := range designs {
		p, err := b.open(design)
		if err != nil {
			return nil, err
		}
		parties = append(parties, p)
		if err := p.audience(t.Rooms, t.Viewers); err != nil {
			return nil, err
		}
	}
	spans := make([][]*span, len(parties))
	for range b.rounds {
		for i, p := range parties {
			s, err := p.measure(t.Pattern, warm, b.seconds)
			if err != nil {
				return nil, err
			}
			spans[i] = append(spans[i], s)
		}
	}
	var list []outcome
	for i, p := range parties {
		o := outcomeOf(p.server.Design, &t, spans[i])
		o.Row = name
		list = append(list, o)
	}
	relate(list)
	for _, o := range list {
		b.say(o)
	}
	b.table(list)
	b.drops(parties, spans)
	return list, nil
}

// relate puts the ratios in.
func relate(list []outcome) {
	cost := map[string]float64{}
	for _, o := range list {
		cost[o.Design] = o.Micros
	}
	for i := range list {
		if c := cost["stock"]; c > 0 {
			list[i].Ratio = list[i].Micros / c
		}
		if c := cost["floor"]; c > 0 {
			list[i].Floor = list[i].Micros / c
		}
	}
}

func (b *bench) table(list []outcome) {
	b.print("%s\n", list[0].Trial)
	b.print("  %-7s %9s %7s %10s %6s %8s %8s %8s %8s %6s  %s\n", "design", "us/packet", "user", "packets/s", "busy", "pkt/msg", "pkt/call", "of stock", "of floor", "spread", "generator; others, host")
	for _, o := range list {
		b.print("  %-7s %9.2f %7.2f %10.0f %5.1f%% %8.2f %8.1f %8s %8s %6.2f  busy %.0f%%, late p99 %.1f ms, lost %.2f%%; %.0f%%, %.0f%%\n",
			o.Design, o.Micros, o.User, o.Rate, 100*o.Busy, o.PerMessage, o.PerCall, ratio(o.Ratio), ratio(o.Floor), o.Spread, 100*o.Generator, o.Late, 100*o.Lost, 100*o.Foreign, 100*o.Stolen)
	}
}

func ratio(r float64) string {
	if r == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", r)
}

// dropped is what the node dropped meanwhile, and found: figures of a node that drops are no figures.
func (s *span) dropped() map[string]uint64 {
	diff := map[string]uint64{}
	for why, n := range s.after.Drops {
		if n -= s.before.Drops[why]; n > 0 {
			diff[why] = n
		}
	}
	return diff
}

func (b *bench) drops(parties []*party, spans [][]*span) {
	for i, p := range parties {
		if d := spans[i][len(spans[i])-1].dropped(); len(d) > 0 {
			b.print("  %s dropped in the last round: %v\n", p.server.Design, d)
		}
	}
}

// warm is how long a design plays before it is measured: first pictures, caches, clocks.
const warm = 1000 * time.Millisecond

var allDesigns = []string{"node", "stock", "floor"}

func forward(b *bench) error {
	for _, t := range []trial{
		{1, 30, traffic.Tens, allDesigns},
		{1, 30, traffic.Pairs, allDesigns},
		{1, 30, traffic.Meeting, allDesigns},
		{1, 300, traffic.Tens, allDesigns},
		{1, 300, traffic.Pairs, allDesigns},
	} {
		if _, err := b.compare("forward", t); err != nil {
			return err
		}
	}
	return nil
}

func large(b *bench) error {
	for _, n := range []int{30, 100, 300, 1000} {
		designs := []string{"node", "floor"}
		if _, err := b.compare("large", trial{1, n, traffic.Stream, designs}); err != nil {
			return err
		}
	}
	return nil
}
