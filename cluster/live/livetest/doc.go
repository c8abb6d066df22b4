// Package livetest gives tests the two servers the product runs on: the embedded one and a real redis-server.
package livetest
