// Package streamkey keeps the credentials of encoders and players: programs that cannot sign in, pass a second factor,
// or hold a key of their own, but speak WHIP or WHEP. A person with a fresh second factor issues one for one room, to
// publish or to play, for at most 30 days; it can be revoked at any time, and dies with its owner's account and right.
//
// The secret is shown once. Only its hash is stored: it is 256 random bits, so a plain SHA-256 tells nothing of it.
package streamkey
