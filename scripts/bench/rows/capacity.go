package main

import (
	"fmt"
	"path/filepath"
	"time"

	"incamera/cmd/incamera/load/figures"
	"incamera/scripts/bench/servers"
	"incamera/scripts/bench/traffic"
)

const (
	perRoom     = 30
	goodLatency = 5 * time.Millisecond
	generatorUp = 0.92 // a generator that is busier than this is what is measured
)

// step is a load and what came of it.
type step struct {
	Row       string        `json:"row"`
	Design    string        `json:"design"`
	Streams   int           `json:"streams"`
	Busy      float64       `json:"core_busy"`
	Micros    float64       `json:"cpu_us_per_packet"`
	Rate      float64       `json:"forwarded_per_second"`
	P50       time.Duration `json:"added_p50_ns"`
	P99       time.Duration `json:"added_p99_ns"`
	P999      time.Duration `json:"added_p999_ns"`
	Generator float64       `json:"generator_busy"`
	Lost      float64       `json:"lost"`
	Foreign   float64       `json:"foreign"`
	Stolen    float64       `json:"stolen"`
	Late      time.Duration `json:"generator_late_p99_ns"`
	Turn      time.Duration `json:"turn_p99_ns"` // of the shard's loop, to a power of two
	Longest   time.Duration `json:"turn_p9999_ns"`
	Waited    float64       `json:"paced"`        // share of the packets that waited for their receiver's pace
	Wait      time.Duration `json:"paced_p99_ns"` // how long, of those
	bound     string        // what held it up, if not the server
}

// rising is a server that gets more and more rooms.
type rising struct {
	b     *bench
	p     *party
	rooms int
}

func (r *rising) to(rooms int) error {
	var pubs, subs []spec
	for ; r.rooms < rooms; r.rooms++ {
		name := fmt.Sprint("room", r.rooms)
		pubs = append(pubs, spec{room: name, publish: true})
		for v := range perRoom {
			subs = append(subs, spec{room: name, viewer: watcher, sampled: v%10 == 0})
		}
	}
	if err := r.p.join(pubs, 8); err != nil {
		return err
	}
	return r.p.join(subs, 8)
}

// latencies are those of all sampled viewers since the last forgetting.
func (p *party) latencies() *figures.Histogram { return &p.seen.Latency }

func (p *party) forget() { p.seen.Latency.Reset() }

func (r *rising) step(name string, d time.Duration) (step, error) {
	p := r.p
	p.play(traffic.Stream)
	time.Sleep(2 * time.Second) // first pictures, caches
	if r.b.profileTo != "" {
		path := filepath.Join(r.b.profileTo, fmt.Sprintf("%s-%d.trace", name, r.rooms*perRoom))
		if _, err := p.server.Ask(servers.Request{Op: "trace", Path: path}); err != nil {
			return step{}, err
		}
	}
	s, err := p.during(d)
	if err != nil {
		return step{}, err
	}
	h := &s.latency
	p.silence()
	t := step{
		Row: name, Design: p.server.Design, Streams: r.rooms * perRoom, Busy: s.busy(), Micros: s.micros(), Rate: s.out() / s.wall.Seconds(),
		P50: h.Quantile(.5), P99: h.Quantile(.99), P999: h.Quantile(.999), Generator: s.generator + s.publisher,
		Lost: float64(s.lost) / max(1, float64(s.expected)), Foreign: s.foreign, Stolen: s.stolen, Late: s.late,
	}
	turns, waits := s.after.Turns.Since(s.before.Turns), s.after.Waits.Since(s.before.Waits)
	t.Turn, t.Longest = turns.Quantile(.99), turns.Quantile(.9999)
	t.Waited, t.Wait = float64(waits.Count)/max(1, s.out()), waits.Quantile(.99)
	if t.Generator > generatorUp {
		t.bound = "generator"
	}
	r.b.say(t)
	r.b.print("  %-6s %7d streams  core %5.1f%% busy  %5.2f us/packet  %7.0f packets/s  added p50 %s p99 %s p99.9 %s  lost %.2f%%  generator %.0f%% busy, late p99 %s; others %.0f%%, host %.0f%%; dropped %v\n",
		t.Design, t.Streams, 100*t.Busy, t.Micros, t.Rate, ms(t.P50), ms(t.P99), ms(t.P999), 100*t.Lost, 100*t.Generator, ms(t.Late), 100*t.Foreign, 100*t.Stolen, s.dropped())
	r.b.print("         turns of the loop p99 <= %s p99.99 <= %s; %.2f%% of the packets waited for their pace, p99 <= %s\n", ms(t.Turn), ms(t.Longest), 100*t.Waited, ms(t.Wait))
	return t, nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

// half finds the load that keeps the core half busy, and measures there.
func (r *rising) half(name string) (step, error) {
	if err := r.to(8); err != nil {
		return step{}, err
	}
	first, err := r.step(name, r.b.seconds)
	if err != nil {
		return first, err
	}
	if err := r.to(clamp(int(float64(r.rooms)*.5/first.Busy), r.rooms, 150)); err != nil {
		return first, err
	}
	return r.step(name, 3*r.b.seconds)
}

func clamp(n, low, high int) int { return max(low, min(n, high)) }

func (b *bench) rising(design string, f func(*rising) error) error {
	p, err := b.open(design)
	if err != nil {
		return err
	}
	defer p.close()
	return f(&rising{b: b, p: p})
}

func latency(b *bench) error {
	return b.rising("node", func(r *rising) error {
		_, err := r.half("latency")
		return err
	})
}

// capacity raises the load until packets come late or the generator can do no more.
func capacity(b *bench) error {
	return b.rising("node", func(r *rising) error {
		t, err := r.half("capacity")
		if err != nil {
			return err
		}
		best, perStream := 0, t.Busy/float64(t.Streams)
		for _, busy := range []float64{.5, .7, .8, .9, .95} {
			if busy > .5 {
				rooms := clamp(int(busy/perStream/perRoom), r.rooms, 150)
				if rooms == r.rooms {
					break
				}
				if err := r.to(rooms); err != nil {
					return err
				}
				if t, err = r.step("capacity", r.b.seconds); err != nil {
					return err
				}
				perStream = t.Busy / float64(t.Streams)
			}
			if t.P99 > goodLatency || t.Lost > .005 || t.bound != "" {
				break
			}
			best = t.Streams
		}
		whole := int(1 / perStream)
		if t.bound != "" {
			b.print("  held up by the %s at %d streams; ", t.bound, t.Streams)
		}
		b.print("  %d streams with p99 <= %v; a whole core by its CPU: %d\n", best, goodLatency, whole)
		b.say(map[string]any{"row": "capacity", "design": "node", "streams_p99_5ms": best, "streams_by_cpu": whole, "bound": t.bound})
		return nil
	})
}
