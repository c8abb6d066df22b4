// Package live connects to the Redis that holds the deployment's live state, or runs one inside the process.
package live
