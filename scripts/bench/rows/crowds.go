package main

import (
	"context"
	_ "embed" // the browser's offer
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/receive"
	"incamera/cmd/incamera/load/viewer"
	"incamera/scripts/bench/servers"
	"incamera/scripts/bench/traffic"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// browserOffer is what the SDK offers in Chromium 156 before it joins, with the names left open.
//
//go:embed testdata/chromium.sdp
var browserOffer string

// shape is what a client offers to receive.
type shape struct {
	audio, video int  // slots
	browser      bool // the offer is as long as Chromium's: 3 and 9 slots, with all codecs and four lines to send
}

// guest is one client of a server: the load generator's, with what the bench wants of it.
type guest struct {
	number   uint32
	room     string
	line     *peer.Peer
	shown    *viewer.Viewer
	source   *traffic.Source // nil: publishes nothing
	socket   *receive.Socket // of one without a handshake, who has no line
	admitted time.Duration   // within the server
	first    atomic.Int64    // first media packet, nanoseconds since 1970
}

// RTP, RTCP and Tick implement peer.Media.
func (g *guest) RTP(pkt []byte, size int, at int64) { g.shown.RTP(pkt, size, at) }

func (g *guest) RTCP(pkt []byte, at int64) {
	if g.source != nil {
		g.source.RTCP(pkt)
	}
	g.shown.RTCP(pkt, at)
}

func (g *guest) Tick(now int64) { g.shown.Tick(now) }

// close gives its sockets back.
func (g *guest) close() {
	if g.socket != nil {
		g.socket.Close()
	}
	if g.line != nil {
		g.line.Close()
	}
}

// ear is a mere socket, for a server without handshake: what comes is counted, nothing is told.
type ear struct{ *guest }

func (e ear) Datagram(pkt []byte, size int, at int64) { e.shown.RTP(pkt, size, at) }
func (e ear) Tick(int64)                              {}

// party is a server with its clients.
type party struct {
	b          *bench
	server     *servers.Server
	loop       *receive.Loop
	seen       viewer.Totals // of those who watch
	publishers []*guest
	viewers    []*guest
	next       uint32
	sender     *traffic.Sender
}

// open starts a server of one design.
func (b *bench) open(design string) (*party, error) {
	s, err := servers.Start(design, b.serverCore)
	if err != nil {
		return nil, err
	}
	return &party{b: b, server: s, loop: b.loop}, nil
}

func (p *party) floor() bool { return p.server.Design == "floor" }

// close ends clients and server.
func (p *party) close() error {
	p.silence()
	err := p.server.Stop() // first, so that nobody says farewell a thousand times
	for _, g := range append(p.publishers, p.viewers...) {
		g.close()
	}
	return err
}

// spec is one client to come.
type spec struct {
	room    string
	publish bool
	viewer  shape
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
			g, err := p.one(number, s)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			if s.publish {
				p.publishers = append(p.publishers, g)
			} else {
				p.viewers = append(p.viewers, g)
			}
		})
		if failed != nil {
			break
		}
	}
	wg.Wait()
	return failed
}

// one client comes in.
func (p *party) one(number uint32, s spec) (*guest, error) {
	g := &guest{number: number, room: s.room}
	sections := &peer.Sections{Codec: peer.VP8, AudioSlots: s.viewer.audio, VideoSlots: s.viewer.video}
	if s.viewer.browser {
		sections.Text = browserOffer
	}
	if s.publish {
		g.source = traffic.NewSource()
		g.source.Describe(sections)
	}
	sample := uint32(viewer.Never)
	if s.sampled && !p.floor() { // whose packets nobody can open
		sample = 1
	}
	g.shown = viewer.New(viewer.Options{Totals: &p.seen, Sample: sample, SSRC: number, First: func(at int64) { g.first.Store(at) }})
	r := servers.Request{Op: "admit", Room: s.room, Name: fmt.Sprint("p", number), Number: number, Publisher: s.publish}
	if p.floor() {
		var err error
		if g.socket, err = p.loop.Listen(loopback, ear{g}); err != nil {
			return nil, err
		}
		g.socket.Heads()
		r.Addr = g.socket.Local().String()
		_, err = p.server.Ask(r)
		return g, err
	}
	g.line = peer.New(p.loop, p.b.identity, sections, g)
	g.shown.Attach(g.line)
	r.Offer = g.line.Offer()
	a, err := p.server.Ask(r)
	if err != nil {
		return nil, err
	}
	g.admitted = a.Took
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	if err := g.line.Connect(ctx, a.Answer); err != nil {
		g.line.Close()
		return nil, fmt.Errorf("%s: client %d: %w", p.server.Design, number, err)
	}
	if !s.sampled {
		g.line.Heads()
	}
	if g.source != nil {
		g.source.Attach(g.line)
	}
	return g, nil
}

// leave takes a guest out again.
func (p *party) leave(g *guest) error {
	_, err := p.server.Ask(servers.Request{Op: "leave", Room: g.room, Name: fmt.Sprint("p", g.number)})
	g.close()
	return err
}

// watcher is what the SDK offers at the least.
var watcher = shape{audio: 3, video: 1}

// audience makes rooms of one publisher and so many viewers each.
func (p *party) audience(rooms, viewers int) error {
	var pubs, subs []spec
	for r := range rooms {
		name := fmt.Sprint("room", r)
		pubs = append(pubs, spec{room: name, publish: true})
		for v := range viewers {
			one := watcher
			if p.server.Design == "stock" {
				one.audio = 1
			}
			subs = append(subs, spec{room: name, viewer: one, sampled: v%10 == 0})
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
	if p.floor() {
		_, _ = p.server.Ask(servers.Request{Op: "play", Pattern: &pattern})
		return
	}
	var sources []*traffic.Source
	for _, g := range p.publishers {
		sources = append(sources, g.source)
	}
	p.sender = traffic.Play(sources, pattern)
}

func (p *party) silence() {
	if p.floor() {
		_, _ = p.server.Ask(servers.Request{Op: "stop"})
		return
	}
	if p.sender != nil {
		p.sender.Stop()
		p.sender = nil
	}
}
