package main

import (
	"slices"
	"sync"
	"time"

	"incamera/scripts/bench/traffic"
)

// joins are the times of some joins.
type joins struct {
	Row    string  `json:"row"`
	What   string  `json:"what"`
	Joins  int     `json:"joins"`
	Answer float64 `json:"answer_p50_ms"` // offer to answer, within the node
	Slow   float64 `json:"answer_p95_ms"`
	Media  float64 `json:"media_p50_ms"` // first STUN check to first media packet, at the client's kernel
	Late   float64 `json:"media_p95_ms"`
	CPU    float64 `json:"cpu_ms_per_join"` // 0: other load was there
	Silent int     `json:"without_media"`   // within the time that was waited
}

var browser = shape{audio: 3, video: 9, browser: true}

// join measures the node's part of a join with the offer of a browser: 9 video slots, all codecs. The clients nominate
// with their first check; their own half of the handshake is in the times.
func join(b *bench) error {
	p, err := b.open("node")
	if err != nil {
		return err
	}
	defer p.close()
	p.loop = b.prompt
	// The others: one room of eight who see each other, and a room with one camera.
	var people []spec
	for range 8 {
		people = append(people, spec{room: "meeting", publish: true, viewer: shape{audio: 3, video: 9}})
	}
	people = append(people, spec{room: "small", publish: true})
	if err := p.join(people, 4); err != nil {
		return err
	}
	// What a join costs, with nobody sending: all CPU is theirs.
	cost, err := p.cost("small", 60)
	if err != nil {
		return err
	}
	b.tell(cost)
	p.play(traffic.Small)
	time.Sleep(2 * time.Second)
	for _, t := range []struct {
		what, room string
		count      int
		every      time.Duration
	}{
		{"one after the other, a room with one camera", "small", 60, 0},
		{"one after the other, a meeting of eight", "meeting", 60, 0},
		{"20 a second, a meeting of eight", "meeting", 100, 50 * time.Millisecond},
	} {
		j, err := p.joins(t.what, t.room, t.count, t.every)
		if err != nil {
			return err
		}
		b.tell(j)
	}
	return nil
}

func (b *bench) tell(j joins) {
	b.say(j)
	if j.CPU > 0 {
		b.print("  %-45s %3d joins: %.2f ms of the node's CPU each\n", j.What, j.Joins, j.CPU)
		return
	}
	b.print("  %-45s %3d joins: answer p50 %.2f p95 %.2f ms; first check to first media p50 %.2f p95 %.2f ms; %d without media\n",
		j.What, j.Joins, j.Answer, j.Slow, j.Media, j.Late, j.Silent)
}

func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[min(int(q*float64(len(v))), len(v)-1)]
}

// cost is the node's CPU for joins of which nobody gets media.
func (p *party) cost(room string, count int) (joins, error) {
	before, err := p.server.Usage()
	if err != nil {
		return joins{}, err
	}
	began := time.Now()
	list, err := p.arrive(room, count, 0)
	defer p.depart(list)
	if err != nil {
		return joins{}, err
	}
	after, err := p.server.Usage()
	if err != nil {
		return joins{}, err
	}
	// What the node takes when nobody joins is not the joins'.
	wall := time.Since(began)
	time.Sleep(wall)
	idle, err := p.server.Usage()
	if err != nil {
		return joins{}, err
	}
	cpu := (after.CPU() - before.CPU()) - (idle.CPU() - after.CPU())
	return joins{Row: "join", What: "what it costs", Joins: count, CPU: cpu.Seconds() * 1000 / float64(count)}, nil
}

// joins lets people come at a rate (0: one after the other) and leave again.
func (p *party) joins(what, room string, count int, every time.Duration) (joins, error) {
	list, err := p.arrive(room, count, every)
	defer p.depart(list)
	if err != nil {
		return joins{}, err
	}
	time.Sleep(300 * time.Millisecond)
	j := joins{Row: "join", What: what, Joins: len(list)}
	var answer, media []float64
	for _, g := range list {
		answer = append(answer, g.admitted.Seconds()*1000)
		if at := g.first.Load(); at == 0 {
			j.Silent++
		} else {
			media = append(media, float64(at-g.line.FirstCheck())/1e6)
		}
	}
	j.Answer, j.Slow = quantile(answer, .5), quantile(answer, .95)
	j.Media, j.Late = quantile(media, .5), quantile(media, .95)
	return j, nil
}

func (p *party) arrive(room string, count int, every time.Duration) (list []*guest, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range count {
		p.next++
		number := p.next
		come := func() {
			g, e := p.one(number, spec{room: room, viewer: browser})
			mu.Lock()
			defer mu.Unlock()
			if e != nil {
				err = e
				return
			}
			list = append(list, g)
		}
		if every == 0 {
			come()
			time.Sleep(20 * time.Millisecond)
			continue
		}
		at := time.Now().Add(every)
		wg.Go(come)
		if i < count-1 {
			time.Sleep(time.Until(at))
		}
	}
	wg.Wait()
	return list, err
}

func (p *party) depart(list []*guest) {
	for _, g := range list {
		_ = p.leave(g) // the server that is gone has nobody any more
	}
}
