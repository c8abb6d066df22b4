// Package noderpc is what signaling instances and media nodes say to each other: gRPC over mutually authenticated
// TLS, with signed grants, a heartbeat stream and deadlines everywhere.
//
// Locks: Server.mu, Pool.mu and Outbox.mu are leaves; none is held across a call, a wait or a callback.
package noderpc
