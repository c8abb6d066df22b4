// Package nack decides which lost packets to ask a publisher for, and which requests of a receiver to answer.
package nack
