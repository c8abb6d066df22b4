// Package figures holds what a load run measures with: histograms of bounded memory, and the server's own counters as
// its metrics or the kernel tell them.
package figures
