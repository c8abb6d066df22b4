// Package place decides which node carries people and moves them when a node dies or drains.
//
// The drain loop and all moves are owned by the Placer and awaited by Close. Placer.mu is a leaf lock.
package place
