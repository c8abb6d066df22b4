package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// person joins one meeting and sends until told to stop.
type person struct {
	number  int
	options options
	kbit    [layers]int
	tokens  <-chan string

	socket *websocket.Conn
	media  *media
	nextID int
}

// heard is what a sender needs of the server's messages.
type heard struct {
	Re      int `json:"re"`
	Welcome *struct {
		Nonce    string `json:"nonce"`
		Audience string `json:"audience"`
	} `json:"welcome"`
	Joined *struct {
		Participant string `json:"participant"`
		Answer      string `json:"answer"`
	} `json:"joined"`
	PublishHints *struct {
		Kind   string `json:"kind"`
		Layers []struct {
			Rid    string `json:"rid"`
			Active bool   `json:"active"`
		} `json:"layers"`
	} `json:"publishHints"`
	Error *struct{ Code, Message string } `json:"error"`
	Bye   *struct{ Reason string }        `json:"bye"`
}

const silence = 10 * time.Second // between our own messages

func (p *person) live(ctx context.Context) error {
	socket, _, err := websocket.Dial(ctx, p.options.url, &websocket.DialOptions{
		HTTPClient: p.options.http, Subprotocols: []string{"incamera.v1"},
	})
	if err != nil {
		return err
	}
	defer socket.CloseNow()
	socket.SetReadLimit(1 << 20)
	p.socket = socket
	if err := p.join(ctx); err != nil {
		return err
	}
	defer p.media.close()
	go p.media.send(ctx)
	go p.pingLoop(ctx)
	for {
		h, err := p.hear(ctx)
		if err != nil {
			return err
		}
		if h.PublishHints != nil && h.PublishHints.Kind == "SOURCE_KIND_CAMERA" {
			var wanted []string
			for _, l := range h.PublishHints.Layers {
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
	k, err := newKey()
	if err != nil {
		return err
	}
	said(map[string]any{"person": p.number, "jkt": k.thumbprint()})
	if err := p.say(ctx, "hello", map[string]any{"protocolMin": 1, "protocolMax": 1, "client": "nettest-sender/1"}); err != nil {
		return err
	}
	var welcome heard
	for welcome.Welcome == nil {
		if welcome, err = p.hear(ctx); err != nil {
			return err
		}
	}
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
	proof, err := k.prove(token, welcome.Welcome.Nonce, welcome.Welcome.Audience)
	if err != nil {
		return err
	}
	err = p.say(ctx, "join", map[string]any{
		"token": token, "proof": proof, "offer": offer, "media": map[string]bool{"mic": true, "camera": true},
	})
	if err != nil {
		return err
	}
	for {
		h, err := p.hear(ctx)
		if err != nil {
			return err
		}
		if h.Joined != nil {
			said(map[string]any{"person": p.number, "participant": h.Joined.Participant})
			return p.media.answer(h.Joined.Answer)
		}
	}
}

func (p *person) say(ctx context.Context, what string, body any) error {
	p.nextID++
	return wsjson.Write(ctx, p.socket, map[string]any{"id": p.nextID, what: body})
}

func (p *person) hear(ctx context.Context) (heard, error) {
	var h heard
	_, data, err := p.socket.Read(ctx)
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(data, &h); err != nil {
		return h, err
	}
	if h.Error != nil {
		return h, fmt.Errorf("%s: %s", h.Error.Code, h.Error.Message)
	}
	if h.Bye != nil {
		return h, fmt.Errorf("bye: %s", h.Bye.Reason)
	}
	return h, nil
}

// pingLoop is the only one who speaks after the join.
func (p *person) pingLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(silence):
		}
		if p.say(ctx, "ping", struct{}{}) != nil {
			return
		}
	}
}
