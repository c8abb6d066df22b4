// Package red reads and writes redundant audio (RFC 2198): packets that carry copies of the ones before them.
package red
