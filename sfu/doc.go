// Package sfu is the live media node: shards, rooms, peers, slots; packets go through, events come out.
//
// A Shard is one goroutine that owns everything of its transports and of its parts of rooms: no lock is taken per packet.
// Other goroutines reach it by Shard.do (a bounded command queue) only, other shards by a bridge (a bounded queue that
// never makes anybody wait): a room with people on several shards has a part on each, which mirrors the others'
// publishers. Locks, in order: Node.mu, then Signal.mu; neither is held while waiting for
// a shard; tcpMux.mu and the locks of a TCP connection are leaves. The ICE and DTLS engine never sees media and never
// sends it: see ctrlConn for UDP, tcpMux for TCP.
package sfu
