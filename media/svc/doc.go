// Package svc decides, packet by packet, how much of a layered stream one receiver gets, so that its decoder never meets
// a gap: layers are taken up only where nothing that was left out is referred to.
package svc
