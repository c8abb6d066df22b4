// Package viewer is what a light client does with the media it gets: it reads headers, counts, opens a sample, and tells
// the server what a browser would (transport-wide feedback, receiver reports, requests for what is lost). It decodes nothing.
//
// Everything of a Viewer belongs to the loop's thread; Totals may be read from anywhere.
package viewer
