package main

import (
	"context"
	"time"

	"incamera/signaling/client"
	"incamera/signaling/wire"
)

// person joins one meeting and sends until told to stop.
type person struct {
	number  int
	options options
	kbit    [layers]int
	tokens  <-chan string

	socket *client.Socket
	media  *media
}

const silence = 10 * time.Second // between our own messages

func (p *person) live(ctx context.Context) error {
	var err error
	if p.socket, err = client.Dial(ctx, p.options.url, "nettest-sender/1", p.options.http); err != nil {
		return err
	}
	defer p.socket.Close()
	if err := p.join(ctx); err != nil {
		return err
	}
	defer p.media.close()
	go p.media.send(ctx)
	go p.pingLoop(ctx)
	for {
		m, err := p.socket.HearOf(ctx, "publishHints")
		if err != nil {
			return err
		}
		if h := m.GetPublishHints(); h.GetKind() == wire.SourceKind_SOURCE_KIND_CAMERA {
			var wanted []string
			for _, l := range h.Layers {
				p.media.want(l.Rid, l.Active)
				if l.Active {
					wanted = append(wanted, l.Rid)
				}
			}
			said(map[string]any{"person": p.number, "layers": wanted})
		}
	}
}

func (p *person) join(ctx context.Context) error {
	k, err := client.NewKey()
	if err != nil {
		return err
	}
	said(map[string]any{"person": p.number, "jkt": k.Thumbprint()})
	if p.media, err = newMedia(p.number, p.kbit, p.options.fps); err != nil {
		return err
	}
	offer, err := p.media.offer()
	if err != nil {
		return err
	}
	var token string
	select {
	case token = <-p.tokens:
	case <-ctx.Done():
		return ctx.Err()
	}
	joined, err := p.socket.Join(ctx, k, token, offer, &wire.MediaIntent{Mic: true, Camera: true})
	if err != nil {
		return err
	}
	said(map[string]any{"person": p.number, "participant": joined.Participant})
	return p.media.answer(joined.Answer)
}

// pingLoop is the only one who speaks after the join.
func (p *person) pingLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(silence):
		}
		if p.socket.Ping(ctx) != nil {
			return
		}
	}
}
