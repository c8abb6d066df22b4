// Package login keeps web sessions: pending when the password was right, full when a second factor was given.
//
// The cookie holds 256 random bits; the store holds their SHA-256. The cookie changes whenever a factor is given, so
// one that was planted or seen before is worth nothing afterwards. The handle (Session.ID) stays, is public, and is
// what tokens and the audit record name.
package login
