// Package issue is the one place where room tokens and lobby passes come from. Every path does the same in the same
// order: a fresh second factor (the person's own, or that of the host who admits a guest), ban, policy, audit, mint.
// What cannot be put on record is not minted.
package issue
