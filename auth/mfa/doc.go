// Package mfa is the second factor: time-based codes (TOTP, RFC 6238) and recovery codes.
//
// A secret is sealed for its row and pending until a first code confirms it. Each time step is accepted once, decided
// by one UPDATE in the database, so it holds across processes. Recovery codes are stored hashed and spent once.
// Passkeys (package passkey) are another kind of factor beside these; Guard and KeepsOne hold for both.
package mfa
