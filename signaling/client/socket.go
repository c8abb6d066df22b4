package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"incamera/signaling/wire"
)

// maxMessage bounds what is read of a server: a snapshot of a large room.
const maxMessage = 4 << 20

// Error is a refusal of the server.
type Error struct {
	Code    wire.Code
	Message string
	Retry   time.Duration // when to come back; 0: not told
	StepUp  *wire.StepUp  // the second factor that is asked for; nil: none
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// Ended says that the server closed the session with a word.
type Ended struct{ Reason wire.Reason }

func (e *Ended) Error() string { return "bye: " + string(e.Reason) }

// Socket is one open socket. One goroutine hears (Join and Grow hear too), any may speak.
type Socket struct {
	conn    *websocket.Conn
	ids     chan uint32 // holds the last id, so that whoever speaks has it alone
	kept    [][]byte    // owned by who hears: what came while an answer was waited for
	Welcome *wire.Welcome
}

// Dial opens the socket of the deployment at base ("https://meet.example.org") and greets. name tells the server's log
// which program speaks.
func Dial(ctx context.Context, base, name string, h *http.Client) (*Socket, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	u = u.JoinPath("api/v1/ws")
	conn, answer, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{
		HTTPClient: h, Subprotocols: []string{wire.Subprotocol},
	})
	if err != nil {
		if answer != nil && answer.StatusCode == http.StatusTooManyRequests {
			return nil, &Error{Code: wire.CodeRateLimited, Message: "too many sockets of this address", Retry: retryAfter(answer)}
		}
		return nil, fmt.Errorf("open %s: %w", u, err)
	}
	conn.SetReadLimit(maxMessage)
	s := &Socket{conn: conn, ids: make(chan uint32, 1)}
	s.ids <- 0
	m, err := s.ask(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_Hello{Hello: &wire.Hello{
		ProtocolMin: wire.VersionMin, ProtocolMax: wire.VersionMax, Client: name,
	}}})
	if err == nil {
		if s.Welcome = m.GetWelcome(); s.Welcome == nil {
			err = errors.New("the server does not greet")
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Join enters a meeting with a room token and an offer; offer and answer are packed on the way where the server can.
func (s *Socket) Join(ctx context.Context, k *Key, token, offer string, media *wire.MediaIntent) (*wire.Joined, error) {
	if s.Welcome.PackedSdp {
		offer = wire.PackSDP(offer)
	}
	proof, err := k.Prove(token, s.Welcome.Nonce, s.Welcome.Audience, time.Now())
	if err != nil {
		return nil, err
	}
	m, err := s.ask(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_Join{Join: &wire.Join{
		Token: token, Proof: proof, Offer: offer, Media: media,
	}}})
	if err != nil {
		return nil, err
	}
	joined := m.GetJoined()
	if joined == nil {
		return nil, fmt.Errorf("join answered with %s", wire.BodyName(m))
	}
	joined.Answer, _, err = wire.UnpackSDP(joined.Answer)
	return joined, err
}

// Grow asks for what a longer offer adds to the living transport, and gives the answer.
func (s *Socket) Grow(ctx context.Context, offer string) (*wire.Answer, error) {
	if s.Welcome.PackedSdp {
		offer = wire.PackSDP(offer)
	}
	m, err := s.ask(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_Renegotiate{Renegotiate: &wire.Renegotiate{Offer: offer}}})
	if err != nil {
		return nil, err
	}
	a := m.GetAnswer()
	if a == nil {
		return nil, fmt.Errorf("renegotiate answered with %s", wire.BodyName(m))
	}
	a.Answer, _, err = wire.UnpackSDP(a.Answer)
	return a, err
}

// keptMost bounds what waits to be heard; more is forgotten, the newest first.
const keptMost = 256

// ask speaks and hears until the answer comes. What comes before it is kept for Hear.
func (s *Socket) ask(ctx context.Context, m *wire.ClientMessage) (*wire.ServerMessage, error) {
	id, err := s.Say(ctx, m)
	if err != nil {
		return nil, err
	}
	var before [][]byte
	defer func() { s.kept = append(s.kept, before[:min(len(before), keptMost-min(len(s.kept), keptMost))]...) }()
	for {
		_, data, err := s.conn.Read(ctx)
		if err != nil {
			return nil, err
		}
		answer, err := read(data)
		if err != nil {
			return nil, err
		}
		if answer.Re == id {
			return answer, nil
		}
		before = append(before, data)
	}
}

// Say sends a message under the next id.
func (s *Socket) Say(ctx context.Context, m *wire.ClientMessage) (id uint32, err error) {
	select {
	case id = <-s.ids:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	id++
	defer func() { s.ids <- id }()
	m.Id = id
	data, err := wire.Encode(m)
	if err != nil {
		return id, err
	}
	return id, s.conn.Write(ctx, websocket.MessageText, data)
}

// Hear waits for the next message. Refusals and the last word of the server are errors: *Error, *Ended.
func (s *Socket) Hear(ctx context.Context) (*wire.ServerMessage, error) { return s.HearOf(ctx) }

// HearOf waits for the next message of some kinds ("event", "publishHints"; none: any) and passes over others unread;
// refusals and the last word are always heard.
func (s *Socket) HearOf(ctx context.Context, kinds ...string) (*wire.ServerMessage, error) {
	for {
		data, err := s.next(ctx)
		if err != nil {
			return nil, err
		}
		if len(kinds) > 0 && !wanted(Peek(data), kinds) {
			continue
		}
		return read(data)
	}
}

// next is what was kept, then what comes.
func (s *Socket) next(ctx context.Context) (data []byte, err error) {
	if len(s.kept) > 0 {
		data, s.kept = s.kept[0], s.kept[1:]
		return data, nil
	}
	_, data, err = s.conn.Read(ctx)
	return data, err
}

func read(data []byte) (*wire.ServerMessage, error) {
	m, err := wire.DecodeServer(data)
	if err != nil {
		return nil, err
	}
	switch b := m.Body.(type) {
	case *wire.ServerMessage_Error:
		e := b.Error
		return nil, &Error{wire.Code(e.Code), e.Message, time.Duration(e.RetryAfterMs) * time.Millisecond, e.StepUp}
	case *wire.ServerMessage_Bye:
		return nil, &Ended{wire.Reason(b.Bye.Reason)}
	}
	return m, nil
}

func wanted(name string, kinds []string) bool {
	if name == "error" || name == "bye" || name == "" {
		return true // nameless: decoding says what is wrong with it
	}
	for _, k := range kinds {
		if k == name {
			return true
		}
	}
	return false
}

// Leave gives the seat up and waits until the server has said so, or ctx ends.
func (s *Socket) Leave(ctx context.Context) error {
	if _, err := s.Say(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_Leave{Leave: &wire.Leave{}}}); err != nil {
		return err
	}
	return nil
}

// Ping keeps the socket: call it every Welcome.Limits.PingIntervalMs.
func (s *Socket) Ping(ctx context.Context) error {
	_, err := s.Say(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_Ping{Ping: &wire.Ping{}}})
	return err
}

// Close drops the socket.
func (s *Socket) Close() { _ = s.conn.CloseNow() }
