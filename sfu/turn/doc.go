// Package turn is the node's own relay (TURN, RFC 8656) for networks that pass neither UDP nor ICE over TCP.
//
// It is no open relay: a relay's socket sends to the node's own media addresses and takes from them, nothing else; the
// check is made where the packet is sent, and again where a permission or a channel is asked for. Who may use it is
// known by a credential that the node makes for one transport and forgets with it: there is no shared secret. Relayed
// packets reach a shard at its UDP port, from the relay's address, like anybody's.
package turn
