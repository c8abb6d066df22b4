// Package facts finds out what a policy asks about people beyond the request: groups, country, device and risk. It asks
// only for what the rules use, and for many people at once.
package facts
