// Package role says what an account may do: which permissions each role has, in one table. It is pure: who asks and
// which account is meant is the caller's.
package role
