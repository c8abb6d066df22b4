// Package dd reads the dependency descriptor, the RTP header extension that says which layer a frame belongs to and what
// it refers to (AV1 RTP specification, annex A). It is codec-independent and in clear even when the media is encrypted.
package dd
