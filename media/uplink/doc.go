// Package uplink finds the queue before a publisher's line in the lateness of its sound, and says how little it should
// send until people hear each other in time again.
package uplink
