// Package door is the public listener of signaling: TLS with files that are read again when they change or with a CA
// of its own for a LAN, the PROXY protocol, and the one answer to "which address does this request come from".
package door
