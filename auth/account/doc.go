// Package account keeps people's accounts: the first administrator's setup, invitations, passwords (argon2id) and
// signing in with them, slowed down for whoever guesses.
//
// A password alone opens nothing: after Verify comes a pending web session (package login) and a second factor
// (package mfa). Verify does the same work and gives the same answer whether the account exists or not.
package account
