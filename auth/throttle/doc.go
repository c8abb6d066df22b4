// Package throttle slows down guessing: a bounded memory of keys (an account, an address) with a growing wait.
package throttle
