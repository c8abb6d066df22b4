// Package client is the client's side of the wire in Go: a key of one's own and its proofs, the socket, and the calls of
// an API client. Load generators, drills and benches speak through it; what goes on in the media is their own matter.
package client
