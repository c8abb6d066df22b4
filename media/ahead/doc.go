// Package ahead has the processor fetch memory before it is needed: where a packet goes out to a thousand receivers, the
// state of each has left the caches by the time of the next frame.
package ahead
