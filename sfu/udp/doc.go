// Package udp is one shard's UDP socket: batched receive with recvmmsg and
// UDP_GRO, batched send with sendmmsg and UDP_SEGMENT, no allocation per batch.
//
// One goroutine, the shard loop, calls Recv and owns the Batches. SendTo, Wake
// and Close may be called from anywhere. There is one mutex, around the wake
// state, and nothing is called under it but the runtime's deadline setter.
package udp
