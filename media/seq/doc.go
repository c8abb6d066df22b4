// Package seq holds the number types of media packets: sequence numbers that never wrap, RTP timestamps and clock rates.
package seq
