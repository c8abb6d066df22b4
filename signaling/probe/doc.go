// Package probe opens transports that last seconds and carry nothing, so that people can test which ways lead from
// their network to a media node. Such a transport is in a room of its own, whose name nobody knows.
//
// The timers that end the transports are owned by the Prober; Close ends the transports and waits. Prober.mu is a leaf.
package probe
