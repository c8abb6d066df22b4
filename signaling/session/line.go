package session

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"sync"

	"github.com/coder/websocket"

	"incamera/signaling/wire"
)

// conn is what a session speaks through: a WebSocket, or a line of this process.
type conn interface {
	Reader(ctx context.Context) (websocket.MessageType, io.Reader, error)
	Write(ctx context.Context, kind websocket.MessageType, data []byte) error
	Close(code websocket.StatusCode, reason string) error
	CloseNow() error
}

// Errors of a line.
var (
	ErrNoLine     = errors.New("session: too many sessions from this address, or the server is stopping")
	ErrLineClosed = errors.New("session: the line is closed")
)

// Line is a session without a WebSocket: the doors for other protocols speak the same dialogue over it, so that every
// rule about who may enter, and what ends a seat, is in one place. Send and Receive are for one goroutine each.
type Line struct {
	up, down chan []byte
	closed   chan struct{}
	once     sync.Once
}

// Dial opens a session for a caller at addr. It counts among the sockets that have not shown who they are until it does.
func (s *Server) Dial(addr netip.Addr) (*Line, error) {
	leave := s.door.enter(addr)
	if leave == nil || s.isClosed() {
		if leave != nil {
			leave()
		}
		return nil, ErrNoLine
	}
	l := &Line{up: make(chan []byte, 1), down: make(chan []byte, 1), closed: make(chan struct{})}
	go func() { // ends with the line, or with the server's Close
		defer leave()
		s.serve(caller{conn: &lineConn{l}, addr: addr, inside: true, leave: leave})
	}()
	return l, nil
}

// Send says a message.
func (l *Line) Send(ctx context.Context, m *wire.ClientMessage) error {
	data, err := wire.Encode(m)
	if err != nil {
		return err
	}
	select {
	case l.up <- data:
		return nil
	case <-l.closed:
		return ErrLineClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Receive waits for the next message; ErrLineClosed after the last one.
func (l *Line) Receive(ctx context.Context) (*wire.ServerMessage, error) {
	select {
	case data := <-l.down:
		return wire.DecodeServer(data)
	default:
	}
	select {
	case data := <-l.down:
		return wire.DecodeServer(data)
	case <-l.closed:
		return nil, ErrLineClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close hangs up. The seat stays for a while, as with a socket that drops, unless leave was said before.
func (l *Line) Close() { l.once.Do(func() { close(l.closed) }) }

// lineConn is the session's end of a line.
type lineConn struct{ *Line }

func (c *lineConn) Reader(ctx context.Context) (websocket.MessageType, io.Reader, error) {
	select {
	case data := <-c.up:
		return websocket.MessageText, bytes.NewReader(data), nil
	case <-c.closed:
		return 0, nil, ErrLineClosed
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	}
}

func (c *lineConn) Write(ctx context.Context, _ websocket.MessageType, data []byte) error {
	select {
	case c.down <- data:
		return nil
	case <-c.closed:
		return ErrLineClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *lineConn) Close(websocket.StatusCode, string) error { return c.CloseNow() }

func (c *lineConn) CloseNow() error {
	c.Line.Close()
	return nil
}
