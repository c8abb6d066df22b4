// Package api is the HTTP side of signaling: sign-in and second factors, accounts, rooms, and the doors where room
// tokens and lobby passes are given out. It reads requests strictly, asks auth, and translates auth's errors into the
// wire's codes in one place (problem.go).
package api
