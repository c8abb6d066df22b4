// Package session is one client's WebSocket: its handshake, limits, order of states and one handler per message.
//
// Goroutines. The reader loop (the HTTP handler's own goroutine) owns the connection and everything marked "owned by
// the reader"; it starts one writer loop and waits for it before it returns. Others reach a session only through its
// outbox, which is safe for concurrent use and never blocks.
//
// Lock order: hub.Room.mu, Session.ending, outbox.mu.
package session
