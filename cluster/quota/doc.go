// Package quota counts in Redis what all signaling instances allow together: attempts of those who guess, and requests of
// API clients. Keys are stored hashed, in a bounded number; while Redis is away each instance counts for itself.
package quota
