// Package bwe estimates how much may be sent to one receiver, from what its feedback says arrived, and when: the growth
// of delay, loss that grows with the rate, the rate that arrives, and probes.
package bwe
