// Package receive reads the sockets of many light clients on one thread: epoll, recvmmsg, kernel timestamps. It knows
// datagrams only; what is in them is the sinks' matter.
//
// One goroutine (loopLoop, locked to its thread) reads and calls the sinks, so a sink's state needs no lock as long as
// only its calls touch it. Everything else may be called from anywhere.
//
// A loop waits for packets, as programs do; or it looks at its sockets once a turn (Options.Turn), which takes less of the
// CPU that a thousand clients share and bills the server for no wake-ups. When packets came the kernel has noted in
// either case. What nobody opens need not be copied: of a socket told so (Socket.Heads) only the headers are read.
//
// The sockets do not ask for UDP_GRO on purpose: over loopback a sender's segmentation offload would then never be
// undone, and the server would be billed for less than on a network.
package receive
