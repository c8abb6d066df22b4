package main

import (
	"fmt"
	"path/filepath"
	"time"

	"incamera/scripts/bench/servers"
	"incamera/scripts/bench/traffic"
)

// memory measures what a participant adds to the resident memory while it receives: RSS with the publishers alone and with
// everybody, after some seconds of each.
func memory(b *bench) error {
	for _, t := range []struct {
		design     string
		slots      int
		publishers int
		viewers    int
	}{{"node", 1, 1, 300}, {"stock", 1, 1, 300}, {"node", 9, 9, 100}} {
		if b.only != "" && b.only != t.design {
			continue
		}
		if err := b.memory(t.design, t.slots, t.publishers, t.viewers); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) memory(design string, slots, publishers, viewers int) error {
	server := design
	if design == "node" {
		server = "node:calm"
	}
	p, err := b.open(server)
	if err != nil {
		return err
	}
	defer p.close()
	const settle = 4 * time.Second
	one := shape{audio: 3, video: slots}
	if design == "stock" {
		one.audio = 1
	}
	pattern := traffic.Meeting
	if publishers > 1 {
		pattern = traffic.Small
	}
	var pubs, subs []spec
	for range publishers {
		pubs = append(pubs, spec{room: "room", publish: true})
	}
	for i := range viewers {
		subs = append(subs, spec{room: "room", viewer: one, sampled: i == 0})
	}
	if err := p.join(pubs, 4); err != nil {
		return err
	}
	p.play(pattern)
	time.Sleep(settle)
	before, err := p.server.Usage()
	if err != nil {
		return err
	}
	empty, err := p.live()
	if err != nil {
		return err
	}
	if err := p.join(subs, 4); err != nil {
		return err
	}
	time.Sleep(settle)
	after, err := p.server.Usage()
	if err != nil {
		return err
	}
	live, err := p.live()
	if err != nil {
		return err
	}
	if b.profileTo != "" {
		for op, kind := range map[string]string{"heap": "pprof", "stacks": "txt"} {
			path := filepath.Join(b.profileTo, fmt.Sprintf("%s-%s-%d.%s", op, design, slots, kind))
			if _, err := p.server.Ask(servers.Request{Op: op, Path: path}); err != nil {
				return err
			}
		}
	}
	streams, heap := p.streams(), (live-empty)/float64(viewers)
	each := float64(after.RSS-before.RSS) / float64(viewers) / 1000
	b.say(map[string]any{
		"row": "memory", "design": design, "slots": slots, "viewers": viewers, "rss_kb_each": each, "live_heap_kb_each": heap,
		"stacks_kb_each": float64(after.Stacks-before.Stacks) / float64(viewers) / 1000, "goroutines_each": float64(after.Goroutines-before.Goroutines) / float64(viewers),
		"streams_each": streams,
	})
	b.print("  %-6s %d video slot(s), %d viewers, %.1f streams each: %.0f KB resident each (live heap %.0f, stacks %.0f, %.1f goroutines); the process %.0f -> %.0f MB\n",
		design, slots, viewers, streams, each, heap, float64(after.Stacks-before.Stacks)/float64(viewers)/1000,
		float64(after.Goroutines-before.Goroutines)/float64(viewers), float64(before.RSS)/1e6, float64(after.RSS)/1e6)
	return nil
}

// live is the heap that is left after a collection, in KB.
func (p *party) live() (float64, error) {
	if _, err := p.server.Ask(servers.Request{Op: "collect"}); err != nil {
		return 0, err
	}
	u, err := p.server.Usage()
	return float64(u.Heap) / 1000, err
}

// streams is how many streams of pictures and sound a viewer got, on average.
func (p *party) streams() float64 {
	n := 0
	for _, g := range p.viewers {
		n += g.shown.Streams()
	}
	return float64(n) / float64(max(1, len(p.viewers)))
}

// gc loads the node for a while, with people who come and go, and tells of pauses and growth.
func gc(b *bench) error {
	p, err := b.open("node")
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.audience(10, perRoom); err != nil {
		return err
	}
	p.play(traffic.Stream)
	if err := p.churn(5 * time.Second); err != nil {
		return err
	}
	heap, err := p.live()
	if err != nil {
		return err
	}
	before, err := p.server.Usage()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := p.churn(time.Duration(b.minutes * float64(time.Minute))); err != nil {
		return err
	}
	after, err := p.server.Usage()
	if err != nil {
		return err
	}
	wall := time.Since(began)
	grown, err := p.live()
	if err != nil {
		return err
	}
	share := (after.Paused - before.Paused).Seconds() / wall.Seconds()
	b.say(map[string]any{
		"row": "gc", "seconds": wall.Seconds(), "pause_share": share, "collections": after.GCs - before.GCs, "live_heap_kb_before": heap, "live_heap_kb_after": grown,
		"rss_before": before.RSS, "rss_after": after.RSS, "core_busy": (after.CPU() - before.CPU()).Seconds() / wall.Seconds(),
	})
	b.print("  node, 300 streams, 2 people a second come and go, %.0f s: core %.1f%% busy, %d collections, stopped for %.4f%% of the time\n"+
		"  live heap %.1f -> %.1f MB, resident %.1f -> %.1f MB\n",
		wall.Seconds(), 100*(after.CPU()-before.CPU()).Seconds()/wall.Seconds(), after.GCs-before.GCs, 100*share, heap/1000, grown/1000, float64(before.RSS)/1e6, float64(after.RSS)/1e6)
	return nil
}

// churn lets two people a second come, and go five seconds later.
func (p *party) churn(d time.Duration) error {
	var guests []*guest
	end := time.Now().Add(d)
	for i := 0; time.Now().Before(end); i++ {
		next := time.Now().Add(500 * time.Millisecond)
		p.next++
		room := fmt.Sprint("room", i%10)
		g, err := p.one(p.next, spec{room: room, viewer: browser})
		if err != nil {
			return err
		}
		if guests = append(guests, g); len(guests) > 10 {
			if err := p.leave(guests[0]); err != nil {
				return err
			}
			guests = guests[1:]
		}
		time.Sleep(time.Until(next))
	}
	for _, g := range guests {
		if err := p.leave(g); err != nil {
			return err
		}
	}
	return nil
}
