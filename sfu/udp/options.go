package udp

import (
	"errors"
	"sync/atomic"
)

// Offload is the node-wide knowledge whether UDP_SEGMENT works. All sockets of
// a node share one, so the first interface that cannot do it turns it off for
// all.
type Offload struct {
	noGSO atomic.Bool
}

// DisableGSO turns segmentation offload off for good.
func (o *Offload) DisableGSO() { o.noGSO.Store(true) }

// GSO reports whether segmentation offload is still in use.
func (o *Offload) GSO() bool { return !o.noGSO.Load() }

// Options of a Socket. The zero value is useful.
type Options struct {
	// ReceiveBuffer and SendBuffer are SO_RCVBUF and SO_SNDBUF in bytes;
	// 0 means 4 MiB. Bigger absorbs longer stalls and adds latency to none but
	// the stalled.
	ReceiveBuffer, SendBuffer int
	// Offload is shared by the sockets of a node; nil means one of its own.
	Offload *Offload
	// NoGRO leaves UDP_GRO off.
	NoGRO bool
}

// Validate reports a nonsensical option.
func (o Options) Validate() error {
	if o.ReceiveBuffer < 0 || o.SendBuffer < 0 {
		return errors.New("udp: negative buffer size")
	}
	return nil
}
