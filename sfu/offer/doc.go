// Package offer reads a client's SDP offer strictly and writes the trimmed one that the ICE and DTLS engine is given:
// nothing the node has not understood reaches the engine.
package offer
