// Package ring is the packet store of one publisher layer: where SRTP is opened into, what is forwarded from, and what
// lost packets are answered from.
package ring
