package whip

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"incamera/auth/streamkey"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// A transport that the node calls lost for this long is given up: its encoder comes back with a new POST.
const lostLimit = 30 * time.Second

var errEnded = errors.New("whip: the session has ended")

// line is what a stream speaks through; *session.Line is one.
type line interface {
	Send(ctx context.Context, m *wire.ClientMessage) error
	Receive(ctx context.Context) (*wire.ServerMessage, error)
	Close()
}

var _ line = (*session.Line)(nil)

// stream is one encoder or player in a meeting.
type stream struct {
	// static
	id   string
	mode streamkey.Mode
	sum  [32]byte // of the secret, which each request shows again
	line line
	log  *slog.Logger
	gone chan struct{} // closed when it has ended

	patching sync.Mutex // one renegotiation at a time; held across its wait, by requests of this stream alone

	mu     sync.Mutex
	last   uint32 // number of a message
	asked  map[uint32]chan *wire.ServerMessage
	offer  string
	etag   string
	reason string
}

// run hears what the meeting says until the end of the line.
func (s *stream) run() {
	defer close(s.gone)
	defer s.line.Close()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	heard := make(chan *wire.ServerMessage)
	go func() { // ends with the line
		defer close(heard)
		for {
			m, err := s.line.Receive(ctx)
			if err != nil {
				return
			}
			select {
			case heard <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	lost := time.NewTimer(time.Hour)
	lost.Stop()
	defer lost.Stop()
	leaving := false
	leave := func(reason string) {
		s.end(reason)
		leaving = true
		lost.Reset(leaveTime) // until the meeting has said bye
		_ = s.line.Send(ctx, goodbye())
	}
	for {
		select {
		case m, ok := <-heard:
			if !ok {
				return
			}
			switch what := s.hear(m); {
			case what == over:
				return
			case leaving:
			case what == transportLost:
				lost.Reset(lostLimit)
			case what == transportBack:
				lost.Stop()
			case what == transportGone:
				leave("transport")
			}
		case <-lost.C:
			if leaving {
				return
			}
			leave("lost")
		case <-ping.C:
			_ = s.line.Send(ctx, &wire.ClientMessage{Id: s.next(nil), Body: &wire.ClientMessage_Ping{Ping: &wire.Ping{}}})
		}
	}
}

type news uint8

const (
	nothing news = iota
	transportLost
	transportBack
	transportGone
	over
)

// hear takes one message.
func (s *stream) hear(m *wire.ServerMessage) news {
	if m.Re != 0 {
		s.mu.Lock()
		ch := s.asked[m.Re]
		delete(s.asked, m.Re)
		s.mu.Unlock()
		if ch != nil {
			ch <- m // has room for one
		}
		return nothing
	}
	switch b := m.Body.(type) {
	case *wire.ServerMessage_Bye:
		s.end(b.Bye.Reason)
		return over
	case *wire.ServerMessage_Move:
		// A foreign client has one transport. It comes back by itself, to a node that is there.
		return transportGone
	case *wire.ServerMessage_MediaState:
		switch b.MediaState.Transport {
		case "lost":
			return transportLost
		case "connected":
			return transportBack
		case "closed":
			return transportGone
		}
	}
	return nothing
}

func (s *stream) end(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason == "" {
		s.reason = reason
		s.log.Info("stream ended", "mode", s.mode, "reason", reason)
	}
}

func goodbye() *wire.ClientMessage {
	return &wire.ClientMessage{Body: &wire.ClientMessage_Leave{Leave: &wire.Leave{}}}
}

// next gives the number of a message; its reply goes to ch.
func (s *stream) next(ch chan *wire.ServerMessage) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	if ch != nil {
		s.asked[s.last] = ch
	}
	return s.last
}

// ask sends a message and waits for its reply; an error of the protocol comes back as a problem.
func (s *stream) ask(ctx context.Context, m *wire.ClientMessage) (*wire.ServerMessage, error) {
	ch := make(chan *wire.ServerMessage, 1)
	m.Id = s.next(ch)
	if err := s.line.Send(ctx, m); err != nil {
		return nil, errUnavailable
	}
	select {
	case reply := <-ch:
		if e := reply.GetError(); e != nil {
			return nil, ofWire(e)
		}
		return reply, nil
	case <-s.gone:
		return nil, errEnded
	case <-ctx.Done():
		return nil, errUnavailable
	}
}
