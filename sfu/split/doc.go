// Package split lets one TCP port serve what firewalls pass only there: pages (HTTP), ICE over TCP, and the node's relay
// (TURN) over TCP and TLS. The first bytes of a connection tell which it is; within TLS the protocol that was agreed on,
// or else the first bytes again. Who says nothing, or nothing known, is sent away after a short time.
package split
