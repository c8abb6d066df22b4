package session

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// corkMost is how many bytes wait in a corked connection; a message that is longer does not wait.
const corkMost = 16 << 10

// socket is a WebSocket whose messages can leave together. The library hands each frame to the connection by itself, so
// they are kept together below it: people who are told three things at once cost one write, and one TLS record.
type socket struct {
	*websocket.Conn
	below *corked
}

// accept upgrades a request.
func accept(w http.ResponseWriter, r *http.Request, o *websocket.AcceptOptions, written func(bytes int)) (*socket, error) {
	h := &hijack{ResponseWriter: w, written: written}
	conn, err := websocket.Accept(h, r, o)
	if err != nil {
		return nil, err
	}
	return &socket{conn, h.conn}, nil
}

// hijack gives the library the connection with a cork on it.
type hijack struct {
	http.ResponseWriter
	written func(bytes int)
	conn    *corked
}

// Hijack implements http.Hijacker.
func (h *hijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &corked{Conn: conn, written: h.written}
	return h.conn, bufio.NewReadWriter(rw.Reader, bufio.NewWriter(h.conn)), nil
}

// corked is a connection that keeps what is written while the cork is on.
type corked struct {
	net.Conn
	written func(bytes int) // told of each write to the network

	mu   sync.Mutex
	on   bool
	held []byte
}

// Write implements net.Conn.
func (c *corked) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.on && len(c.held)+len(b) <= corkMost {
		c.held = append(c.held, b...)
		return len(b), nil
	}
	if err := c.flushLocked(); err != nil {
		return 0, err
	}
	return c.sendLocked(b)
}

func (c *corked) sendLocked(b []byte) (int, error) {
	c.written(len(b))
	return c.Conn.Write(b)
}

func (c *corked) flushLocked() error {
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.sendLocked(c.held)
	c.held = c.held[:0]
	return err
}

// cork puts the cork on: for a few messages that are at hand, never to wait for more.
func (c *corked) cork() {
	c.mu.Lock()
	c.on = true
	c.mu.Unlock()
}

// uncork sends what was kept.
func (c *corked) uncork(timeout time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = false
	if len(c.held) == 0 {
		c.held = nil
		return nil
	}
	_ = c.SetWriteDeadline(time.Now().Add(timeout)) // a connection that is closed says so in the write
	err := c.flushLocked()
	_ = c.SetWriteDeadline(time.Time{})
	c.held = nil // between two bursts a socket that is idle holds nothing
	return err
}
