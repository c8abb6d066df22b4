// Package roomclass is what rooms of a class demand, and how a room may demand more. It is pure: names and rules, no
// database.
package roomclass
