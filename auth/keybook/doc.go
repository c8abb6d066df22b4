// Package keybook is the book of the keys that sign tokens: every signaling process publishes its own there before it
// signs, portals read them as a JWK set, and operators have them renewed, or refused before their time.
//
// Tokens are verified without it: each carries its process's statement about the key (package pki).
package keybook
