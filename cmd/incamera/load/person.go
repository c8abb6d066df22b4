package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/publisher"
	"incamera/cmd/incamera/load/viewer"
	"incamera/signaling/client"
	"incamera/signaling/wire"
)

// person is one client: joins a room, publishes or watches, and stays until told to go.
type person struct {
	// static
	run      *run
	room     *room
	number   int // in the room
	name     string
	watches  bool
	camera   bool
	id       string               // to the server, since it joined
	shown    *viewer.Viewer       // nil: watches nothing
	sending  *publisher.Publisher // nil: publishes nothing
	socket   *client.Socket
	line     *peer.Peer
	slots    []uint32 // the video slots of the answers
	layoutNo atomic.Uint32

	inside     atomic.Bool // joined and connected; what enter sets may be read
	firstMedia atomic.Int64
}

// RTP, RTCP and Tick implement peer.Media: what comes is shown, what is asked for goes to the publisher.
func (p *person) RTP(pkt []byte, size int, at int64) {
	if p.shown != nil {
		p.shown.RTP(pkt, size, at)
	}
}

func (p *person) RTCP(pkt []byte, at int64) {
	if p.sending != nil {
		p.sending.RTCP(pkt)
	}
	if p.shown != nil {
		p.shown.RTCP(pkt, at)
	}
}

func (p *person) Tick(now int64) {
	if p.shown != nil {
		p.shown.Tick(now)
	}
}

// joinTimeout bounds one person's way in.
const joinTimeout = 30 * time.Second

// enter joins and connects. What took how long goes to the run's histograms.
func (p *person) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	o := &p.run.o
	p.slots = nil // of an earlier try
	key, err := client.NewKey()
	if err != nil {
		return err
	}
	if p.socket, err = client.Dial(ctx, p.run.portal.Base(), "load/1", p.run.http); err != nil {
		return err
	}
	sections := &peer.Sections{Codec: o.Video.Codec()}
	if p.sending != nil {
		p.sending.Describe(sections)
		sections.Codec = o.Video.Codec() // that of the pictures that come, also of who sends none
	}
	if p.watches {
		sections.AudioSlots, sections.VideoSlots = int(p.socket.Welcome.AudioSlots), min(o.Slots, int(p.socket.Welcome.VideoSlots))
		p.shown = viewer.New(viewer.Options{
			Totals: &p.run.viewed, Sample: uint32(o.Sample), SSRC: rand.Uint32() | 1, First: p.began,
		})
	}
	p.line = peer.New(p.run.loop, p.run.identity, sections, p)
	if p.shown != nil {
		p.shown.Attach(p.line)
	}
	role := "participant"
	if p.sending == nil {
		role = "viewer"
	}
	token, err := p.run.portal.Token(ctx, p.room.id, client.Person{ID: p.name, Name: p.name, Role: role}, key.Thumbprint())
	if err != nil {
		return fmt.Errorf("room token: %w", err)
	}
	asked := time.Now()
	joined, err := p.socket.Join(ctx, key, token, p.line.Offer(), &wire.MediaIntent{Mic: o.Audio, Camera: p.camera})
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	p.run.answered.Add(time.Since(asked))
	p.see(joined.Slots)
	if p.id = joined.Participant; p.camera {
		p.room.publishes(p.number, joined.Participant)
	}
	if p.watches {
		if err := p.wish(ctx); err != nil {
			return err
		}
	}
	if err := p.line.Connect(ctx, joined.Answer); err != nil {
		return err
	}
	if p.watches && o.Slots > len(p.slots) {
		if err := p.grow(ctx); err != nil {
			return err
		}
	}
	p.inside.Store(true)
	return nil
}

// see notes the video slots of an answer.
func (p *person) see(slots []*wire.Slot) {
	for _, s := range slots {
		if s.Type == wire.MediaType_MEDIA_TYPE_VIDEO && !slices.Contains(p.slots, s.Slot) {
			p.slots = append(p.slots, s.Slot)
		}
	}
}

// grow asks for more pictures than a first offer may have, as a page does that shows a larger grid.
func (p *person) grow(ctx context.Context) error {
	answer, err := p.socket.Grow(ctx, p.line.Grow(p.run.o.Slots))
	if err != nil {
		return fmt.Errorf("more slots: %w", err)
	}
	p.see(answer.Slots)
	if err := p.line.Grown(answer.Answer); err != nil {
		return err
	}
	return p.wish(ctx)
}

// began is told of the first packet, on the loop's thread.
func (p *person) began(at int64) { p.firstMedia.Store(at) }

// stay publishes, listens and pings until ctx ends (nil) or the server ends it.
func (p *person) stay(until context.Context) error {
	// A socket is closed when a call on it is cancelled: the farewell has to come before.
	ctx, cancel := context.WithCancel(context.WithoutCancel(until))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	defer p.leave()
	if p.sending != nil {
		wg.Go(func() { p.sending.Run(ctx, p.line) })
	}
	wg.Go(func() { p.pingLoop(ctx) })
	ended := make(chan error, 1)
	wg.Go(func() { ended <- p.hearLoop(ctx) })
	select {
	case <-until.Done():
		return nil
	case err := <-ended:
		return err
	case <-p.line.Ended():
		return errors.New("the server ended the connection")
	}
}

// hearLoop heeds hints and waits for the last word; the rest is passed over unread.
func (p *person) hearLoop(ctx context.Context) error {
	for {
		m, err := p.socket.HearOf(ctx, "publishHints")
		if refused := (*client.Error)(nil); errors.As(err, &refused) {
			p.run.refused(refused)
			continue // of a wish, most likely: the session goes on
		}
		if err != nil {
			return err
		}
		if h := m.GetPublishHints(); h != nil && h.Kind == wire.SourceKind_SOURCE_KIND_CAMERA && p.sending != nil {
			for _, l := range h.Layers {
				p.sending.Want(l.Rid, l.Active, int(l.Spatial))
			}
		}
	}
}

const pingEvery = 12 * time.Second

func (p *person) pingLoop(ctx context.Context) {
	layout, ping := p.run.o.LayoutEvery, time.NewTicker(pingEvery)
	defer ping.Stop()
	if layout == 0 || !p.watches {
		layout = maxDuration
	}
	// Not all change their minds at once.
	change := time.NewTimer(time.Duration(rand.Int64N(int64(layout))))
	defer change.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			err = p.socket.Ping(ctx)
		case <-change.C:
			if change.Reset(layout); p.run.o.LayoutEvery > 0 {
				p.layoutNo.Add(1)
				err = p.wish(ctx)
			}
		}
		if err != nil {
			return // the socket is gone: hearLoop says why
		}
	}
}

// wish asks for pictures: a grid of everybody at first, then by turns a large one among small ones, and a grid whose
// faces have moved on.
func (p *person) wish(ctx context.Context) error {
	n := int(p.layoutNo.Load())
	who := slices.DeleteFunc(p.room.people(), func(id string) bool { return id == p.id })
	var wishes []*wire.Wish
	for i, slot := range p.slots {
		w := &wire.Wish{Slot: slot}
		w.Width, w.Height = tile(len(p.slots), i, n%2 == 1)
		if len(who) > 0 && i < len(who) {
			at := who[(p.number+n+i)%len(who)]
			w.Participant, w.Kind = at, wire.SourceKind_SOURCE_KIND_CAMERA
		}
		wishes = append(wishes, w)
	}
	if len(wishes) == 0 {
		return nil
	}
	_, err := p.socket.Say(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_SetWishes{SetWishes: &wire.SetWishes{Wishes: wishes}}})
	return err
}

// tile is the size of one of n pictures in device pixels.
func tile(n, i int, stage bool) (width, height uint32) {
	switch {
	case n == 1 && stage:
		return 640, 360
	case n == 1 || stage && i == 0:
		return 1280, 720
	case stage || n > 9:
		return 320, 180
	case n > 4:
		return 480, 270
	}
	return 640, 360
}

// leave gives everything back, with a word to the server if it still listens.
func (p *person) leave() {
	if p.socket != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = p.socket.Leave(ctx)
		cancel()
	}
	if p.line != nil {
		p.line.Close()
	}
	if p.socket != nil {
		p.socket.Close()
	}
}
