// Package link is a simulated network path in virtual time: a bottleneck with a queue, delay, jitter, loss, reordering and
// duplicates, all from a seed.
package link
