// Package publisher makes the traffic of a person with a camera and a microphone: pictures in simulcast layers (VP8), in
// one stream of spatial and temporal layers (VP9 L3T3_KEY with dependency descriptors) or in a single stream, paced as
// browsers pace them, and sound with levels. Key frames come when they are asked for, layers stop when nobody watches.
//
// VP8 pictures are real: one key frame and one small change for each layer, padded to the asked rate. VP9 is descriptors
// around zeros: no decoder is to see it. Each packet with room for it carries a stamp (package stamp).
//
// A Publisher belongs to the goroutine in Run; what comes from the loop's thread (RTCP) or a socket (Want) reaches it by
// atomics and a bounded channel.
package publisher
