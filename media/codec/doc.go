// Package codec reads the few facts of a payload that a forwarder may know, from bytes that stay clear even when the
// frame itself is encrypted, and rewrites VP8 picture ids on the outgoing copy.
package codec
