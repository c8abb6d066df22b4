// Package registry tells which processes are alive: each publishes a signed record under a short lease, and
// readers believe only records signed by the identity they name.
package registry
