// Package tcp carries datagrams over TCP for ICE (RFC 6544): each is framed by its length (RFC 4571).
//
// A Listener takes connections, bounds how many there are and how long one may stay without a first frame that somebody
// here knows, and reads frames. A Conn queues what is sent, bounded in bytes: a reader that does not read loses packets,
// video first, and holds up nobody. One goroutine reads a Conn and one writes it; TCP is the exception among the ways of
// media, so it may cost what UDP must not.
package tcp
