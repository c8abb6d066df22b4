package main

import (
	"fmt"
	"time"

	"incamera/scripts/bench/traffic"
)

// arrival is what taking packets in costs, with nobody to forward them to.
type arrival struct {
	Row        string  `json:"row"`
	Design     string  `json:"design"`
	Publishers int     `json:"publishers"`
	Rate       float64 `json:"packets_per_second"`
	Busy       float64 `json:"core_busy"`
	Micros     float64 `json:"cpu_us_per_packet"`
	User       float64 `json:"user_us_per_packet"`
	Batch      float64 `json:"packets_per_call"`
	Lost       float64 `json:"lost"`
	Generator  float64 `json:"generator_busy"`
	Foreign    float64 `json:"foreign"`
	Stolen     float64 `json:"stolen"`
}

// arrivals measures the way in: 67 publishers with 20 000 packets a second, then what keeps the core half busy. Over
// loopback each datagram costs its sender more than its reader, so that reading seldom finds many; in runs it does, as
// behind a network card that coalesces.
func arrivals(b *bench) error {
	for _, load := range []struct {
		publishers int
		pattern    traffic.Pattern
	}{{67, traffic.Tens}, {60, traffic.Flood}, {200, traffic.Flood}, {480, traffic.FloodRuns}} {
		var parties []*party
		for _, design := range b.designs("node", "stock") {
			if design == "floor" {
				continue // it receives nothing
			}
			if design == "stock" && load.publishers > 67 {
				continue // it would lose most of it
			}
			p, err := b.open(design)
			if err != nil {
				return err
			}
			parties = append(parties, p)
		}
		err := b.receive(parties, load.publishers, load.pattern)
		for _, p := range parties {
			_ = p.close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) receive(parties []*party, publishers int, pattern traffic.Pattern) error {
	for _, p := range parties {
		var pubs []spec
		for i := range publishers {
			pubs = append(pubs, spec{room: fmt.Sprint("room", i), publish: true})
		}
		if err := p.join(pubs, 8); err != nil {
			return err
		}
	}
	spans := make([][]*span, len(parties))
	for range b.rounds {
		for i, p := range parties {
			s, err := p.measure(pattern, time.Second, b.seconds)
			if err != nil {
				return err
			}
			spans[i] = append(spans[i], s)
		}
	}
	for i, p := range parties {
		a := arrivalOf(spans[i])
		a.Design, a.Publishers = p.server.Design, publishers
		a.Lost = max(0, 1-a.Rate/(float64(publishers)*pattern.Rate()))
		b.say(a)
		b.print("  %-6s %3d publishers, %s: %7.0f packets/s  core %5.1f%% busy  %5.2f us/packet (%.2f user)  %.1f packets per call  missing %.1f%%  generator %.0f%% busy; others %.0f%%, host %.0f%%\n",
			a.Design, publishers, pattern.Name, a.Rate, 100*a.Busy, a.Micros, a.User, a.Batch, 100*a.Lost, 100*a.Generator, 100*a.Foreign, 100*a.Stolen)
	}
	return nil
}

func arrivalOf(spans []*span) arrival {
	of := func(f func(*span) float64) float64 {
		var v []float64
		for _, s := range spans {
			v = append(v, f(s))
		}
		return median(v)
	}
	in := func(s *span) float64 { return max(1, float64(s.after.In-s.before.In)) }
	return arrival{
		Row: "receive", Rate: of(func(s *span) float64 { return in(s) / s.wall.Seconds() }), Busy: of(func(s *span) float64 { return s.busy() }),
		Micros: of(func(s *span) float64 { return float64(s.cpu().Nanoseconds()) / 1000 / in(s) }),
		User:   of(func(s *span) float64 { return float64((s.after.User - s.before.User).Nanoseconds()) / 1000 / in(s) }),
		Batch: of(func(s *span) float64 {
			return float64(s.after.DatagramsIn-s.before.DatagramsIn) / max(1, float64(s.after.RxCalls-s.before.RxCalls))
		}),
		Generator: of(func(s *span) float64 { return s.generator + s.publisher }),
		Foreign:   of(func(s *span) float64 { return s.foreign }),
		Stolen:    of(func(s *span) float64 { return s.stolen }),
	}
}
