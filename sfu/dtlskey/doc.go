// Package dtlskey taps one pion PeerConnection for the SRTP keys that its DTLS
// handshake agreed on, so that media can bypass pion.
//
// pion exports neither its DTLS connection nor its SRTP contexts. A Tap takes
// the client random and the master secret from the key log, and the server
// random, cipher suite and SRTP profile from the ServerHello hook, and derives
// the same bytes as RFC 5764's exporter would. The hook exists only on the
// DTLS server, so the node must be it. Secrets stay in memory, are derived
// from once and then zeroed.
package dtlskey
