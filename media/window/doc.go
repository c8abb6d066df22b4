// Package window keeps extremes of the last while, in constant memory.
package window
