// Package rtcp reads compound RTCP packets in place and writes the few kinds that a forwarder sends, without allocation.
package rtcp
