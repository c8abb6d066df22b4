// Package metrics registers counters and histograms, or keeps them private when there is no registry.
package metrics
