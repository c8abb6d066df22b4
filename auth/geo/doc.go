// Package geo says where an address is, from a file of the MaxMind DB format that the administrator provides. Without a
// file, or for an address that is not in it, nothing is known.
package geo
