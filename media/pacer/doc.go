// Package pacer spreads what one receiver gets over time, so that a key frame does not fill the queues of its path.
package pacer
