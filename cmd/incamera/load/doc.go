// Package load is the load generator: people who join meetings of a real deployment, publish and watch, and a report of
// what the server made of it. The packages below it are its parts: receive (sockets), peer (one connection), publisher
// and viewer (what goes out and comes in), stamp (send times), figures (histograms, the server's counters).
package load
