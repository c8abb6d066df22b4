// Package recall tells all signaling instances that somebody's right to sit in meetings may have ended: they look at
// once, instead of at their next round. A call says whom to look after and nothing else; who hears it reads the truth
// where it is kept. Whoever forges a call makes instances look, and a call that is lost delays the look by one round.
package recall
