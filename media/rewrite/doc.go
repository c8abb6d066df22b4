// Package rewrite makes one continuous RTP stream out of the sources that take turns in a slot.
package rewrite
