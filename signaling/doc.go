// Package signaling puts the people's side of the service together: sockets, rooms, placement.
//
//	wire      the client protocol: messages, codec, error words
//	session   one WebSocket: handshake, limits, states, one handler per message
//	hub       the rooms with people on this instance
//	place     which node carries whom, and moves
//
// It owns what it makes: Close ends the sockets first, then moves, then rooms.
package signaling
