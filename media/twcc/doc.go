// Package twcc is transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): the
// receiver side that records arrivals and reports them, and the sender side that remembers what was sent and reads reports.
package twcc
