// Package report keeps reception statistics (RFC 3550), maps publishers' clocks to the server's, and makes sender reports.
package report
