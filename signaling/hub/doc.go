// Package hub follows the meetings that have people on this instance and tells each of them what they may know.
//
// Each room has one follow loop, owned by the Hub and awaited by Close: it reads the meeting's events when woken and
// hands them on. The close loop ends transports of people who are gone, the insist loop
// makes changes that Redis could not take at the time. Lock order: Hub.mu, Room.mu, the outlet's own
// lock; calls to Redis and to nodes are made under none of them.
package hub
