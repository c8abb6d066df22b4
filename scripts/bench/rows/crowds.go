package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"incamera/scripts/bench/crowd"
	"incamera/scripts/bench/servers"
	"incamera/scripts/bench/traffic"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// party is a server with its clients.
type party struct {
	b          *bench
	server     *servers.Server
	loop       *crowd.Loop
	publishers []*crowd.Client
	viewers    []*crowd.Client
	rooms      map[*crowd.Client]string
	next       uint32
	player     *crowd.Player
	pattern    traffic.Pattern
}

// open starts a server of one design.
func (b *bench) open(design string) (*party, error) {
	s, err := servers.Start(design, b.serverCore)
	if err != nil {
		return nil, err
	}
	return &party{b: b, server: s, loop: b.loop, rooms: map[*crowd.Client]string{}}, nil
}

func (p *party) floor() bool { return p.server.Design == "floor" }

// close ends clients and server.
func (p *party) close() error {
	p.silence()
	err := p.server.Stop() // first, so that nobody says farewell a thousand times
	for _, c := range append(p.publishers, p.viewers...) {
		p.loop.Remove(c)
		c.Close()
	}
	return err
}

// spec is one client to come.
type spec struct {
	room    string
	publish bool
	viewer  crowd.Shape
	sampled bool
}

// join brings clients in, a few at a time; the order of those that join at once is open.
func (p *party) join(specs []spec, atOnce int) error {
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	for _, s := range specs {
		p.next++
		number := p.next
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			c, err := p.one(number, s)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			if s.publish {
				p.publishers = append(p.publishers, c)
			} else {
				p.viewers = append(p.viewers, c)
			}
			p.rooms[c] = s.room
		})
		if failed != nil {
			break
		}
	}
	wg.Wait()
	return failed
}

// one client comes in.
func (p *party) one(number uint32, s spec) (*crowd.Client, error) {
	shape := s.viewer
	shape.Publish = s.publish
	c, err := crowd.New(number, loopback, shape)
	if err != nil {
		return nil, err
	}
	r := servers.Request{Op: "admit", Room: s.room, Name: fmt.Sprint("p", number), Number: number, Publisher: s.publish, Addr: c.Local().String()}
	if !p.floor() {
		r.Offer = c.Offer()
	}
	c.Asked = time.Now()
	a, err := p.server.Ask(r)
	if err != nil {
		return nil, err
	}
	c.Answered, c.Admitted = time.Now(), a.Took
	if p.floor() {
		if err := c.Bare(); err != nil {
			return nil, err
		}
		p.loop.Add(c, false)
		return c, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	if err := c.Connect(ctx, a.Answer); err != nil {
		return nil, fmt.Errorf("%s: client %d: %w", p.server.Design, number, err)
	}
	p.loop.Add(c, s.sampled)
	return c, nil
}

// viewer is what the SDK offers at the least.
var viewer = crowd.Shape{AudioSlots: 3, VideoSlots: 1}

// audience makes rooms of one publisher and so many viewers each.
func (p *party) audience(rooms, viewers int) error {
	var pubs, subs []spec
	for r := range rooms {
		name := fmt.Sprint("room", r)
		pubs = append(pubs, spec{room: name, publish: true})
		for v := range viewers {
			shape := viewer
			if p.server.Design == "stock" {
				shape.AudioSlots = 1
			}
			subs = append(subs, spec{room: name, viewer: shape, sampled: v%10 == 0})
		}
	}
	if err := p.join(pubs, 8); err != nil {
		return err
	}
	if !p.floor() && p.server.Design == "stock" {
		p.play(traffic.Meeting) // its tracks begin with the first packets
		time.Sleep(500 * time.Millisecond)
		p.silence()
	}
	return p.join(subs, 8)
}

// play lets the publishers send; silence ends it.
func (p *party) play(pattern traffic.Pattern) {
	p.silence()
	p.pattern = pattern
	if p.floor() {
		_, _ = p.server.Ask(servers.Request{Op: "play", Pattern: &pattern})
		return
	}
	p.player = crowd.Play(p.publishers, pattern)
}

func (p *party) silence() {
	if p.floor() {
		_, _ = p.server.Ask(servers.Request{Op: "stop"})
		return
	}
	if p.player != nil {
		p.player.Stop()
		p.player = nil
	}
}
