package session

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/coder/websocket"

	"incamera/signaling/wire"
)

// read gives the next text frame, nil when the connection is gone, or a fault that ends the socket.
func (s *Session) read() ([]byte, *Fault) {
	kind, r, err := s.conn.Reader(s.ctx)
	if err != nil {
		return nil, nil
	}
	// One byte more than allowed tells a long message from one that just fits. What is longer is not read on: the
	// fault closes the socket.
	data, err := io.ReadAll(io.LimitReader(r, wire.MaxOfferMessage+1))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, nil
	case len(data) > wire.MaxOfferMessage:
		return nil, s.tooLarge(r)
	case kind != websocket.MessageText:
		return nil, refuse(wire.CodeBadMessage, "messages are text frames").closing(wire.CloseBadMessage, DropBadMessage)
	case data == nil:
		data = []byte{}
	}
	return data, nil
}

// tooLarge throws the rest of the frame away, for as long as the close handshake may take: the library must reach
// the frame's end before it can see the client's close.
func (s *Session) tooLarge(rest io.Reader) *Fault {
	fault := refuse(wire.CodeTooLarge, "message too large").closing(wire.CloseTooLarge, DropTooLarge)
	s.tell(0, fault)
	_, _ = io.Copy(io.Discard, rest) // its error is the connection's end, which the next read reports
	return fault
}

// writeLoop sends what the outbox holds until its end, then closes. An error or a client that does not read ends the
// reader too.
func (s *Session) writeLoop() {
	tickets := time.NewTicker(s.srv.o.TicketEvery)
	defer tickets.Stop()
	var batch [][]byte
	for {
		messages, end := s.out.take(batch[:0])
		switch {
		case messages != nil:
			sent := s.write(messages)
			clear(messages)
			if batch = messages; !sent {
				s.cancel()
				return
			}
		case end != nil:
			s.closeSocket(end)
			return
		default:
			select {
			case <-s.out.wake:
			case <-tickets.C:
				s.rotateTicket()
			case <-s.ctx.Done():
				return
			}
		}
	}
}

// write sends messages, several of them in one piece.
func (s *Session) write(messages [][]byte) bool {
	ctx, cancel := context.WithTimeout(s.ctx, s.srv.o.WriteTimeout)
	defer cancel()
	ws, _ := s.conn.(*socket)
	if len(messages) == 1 {
		ws = nil
	}
	if ws != nil {
		ws.below.cork()
	}
	var err error
	for _, data := range messages {
		if err = s.conn.Write(ctx, websocket.MessageText, data); err != nil {
			break
		}
	}
	if ws != nil {
		err = errors.Join(err, ws.below.uncork(s.srv.o.WriteTimeout))
	}
	switch {
	case err == nil:
		return true
	case errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		s.srv.dropped(DropWriteTimeout)
	case s.ctx.Err() == nil:
		s.srv.dropped(DropWriteFailed)
	}
	return false
}

// closeSocket does the close handshake. The reader goes on reading, and throwing away, for its sake; a client that
// does not answer loses the connection after CloseGrace.
func (s *Session) closeSocket(end *farewell) {
	timer := time.AfterFunc(s.srv.o.CloseGrace, s.cancel)
	defer timer.Stop()
	defer s.cancel()
	_ = s.conn.Close(websocket.StatusCode(end.code), end.reason) // the peer may be gone: nothing is left to tell it
}
