// Package peer is one light WebRTC client: an offer, connectivity checks towards the one address of the answer, DTLS by
// pion, and SRTP by the house's own package. It has no codec, no jitter buffer and no socket of its own: what arrives
// comes from a receive.Loop, and what is in it goes to a Media.
//
// Connectivity checks are made here, from pion/stun's messages, and not by an ICE agent: the server answers at one
// address, so there is nothing to choose, and an agent nominates on a tick of its own that would be measured as the
// server's. As in Firefox the first check nominates.
//
// Lock order: check.mu and sealer.mu are never held together, and nothing is called under them that calls back.
package peer
