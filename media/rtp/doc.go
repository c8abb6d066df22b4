// Package rtp reads and writes RTP headers (RFC 3550, 8285, 4588) in place, without allocation.
package rtp
