// Package apiclient verifies API clients: programs of the organisation (portals, load tools) that hold a private key
// and sign a short assertion for each request (private_key_jwt, RFC 7523 §2.2 and §3).
//
// A client asserts who its own signed-in person is and which second factor that person gave, and when; Factor checks
// that evidence. There is no shared secret: the deployment stores public keys only.
package apiclient
