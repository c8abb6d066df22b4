package udp

import "sync/atomic"

// Drop is why a datagram was lost here. It is a metric label.
type Drop uint8

// The reasons.
const (
	DropTruncated   Drop = iota // received, did not fit or its segment size was lost
	DropSocketFull              // received, the kernel's queue was full (SO_RXQ_OVFL)
	DropWouldBlock              // to send, the kernel's buffer stayed full
	DropTooBig                  // to send, EMSGSIZE
	DropRefused                 // to send, EPERM or EACCES (a local filter)
	DropUnreachable             // to send, no route or host (ENETUNREACH, EHOSTUNREACH, ECONNREFUSED)
	DropNoBuffers               // to send, ENOBUFS or ENOMEM
	DropOther                   // to send, any other error
	numDrops
)

// Drops lists all reasons.
func Drops() []Drop {
	all := make([]Drop, numDrops)
	for i := range all {
		all[i] = Drop(i)
	}
	return all
}

// String is the label.
func (d Drop) String() string {
	switch d {
	case DropTruncated:
		return "truncated"
	case DropSocketFull:
		return "socket_full"
	case DropWouldBlock:
		return "would_block"
	case DropTooBig:
		return "too_big"
	case DropRefused:
		return "refused"
	case DropUnreachable:
		return "unreachable"
	case DropNoBuffers:
		return "no_buffers"
	default:
		return "other"
	}
}

// Counters of a Socket, all monotonic, read them at any time. Datagrams are
// what the wire sees, messages what a system call handled (one message carries
// many datagrams with GRO or GSO).
type Counters struct {
	RxCalls, RxMessages, RxDatagrams, RxBytes atomic.Uint64
	TxCalls, TxMessages, TxDatagrams, TxBytes atomic.Uint64
	// ControlDatagrams counts SendTo, ControlErrors its failures.
	ControlDatagrams, ControlErrors atomic.Uint64
	// TxSplits counts GSO runs that the kernel refused and that went out
	// segment by segment.
	TxSplits atomic.Uint64
	// SendWaits counts bounded waits for room in the send buffer.
	SendWaits atomic.Uint64
	// Dropped datagrams by reason.
	Dropped [numDrops]atomic.Uint64
}
