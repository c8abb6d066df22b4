//go:build linux

package receive

import (
	"encoding/binary"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch   = 64
	stride  = 2048 // a datagram of media fits an Ethernet frame; a longer one is cut and dropped
	control = 64   // SCM_TIMESTAMPNS (32) and SO_RXQ_OVFL (24)

	headOnly = 192 // bytes read of a datagram that nobody opens: headers, and small RTCP and STUN whole
)

type cmsgs struct {
	_ [0]unix.Cmsghdr // for its alignment
	b [control]byte
}

// ring is the preset memory of recvmmsg, shared by all sockets: one is read at a time.
type ring struct {
	size int // read of each datagram
	buf  []byte
	msgs [batch]unix.Mmsghdr
	iovs [batch]unix.Iovec
	ctl  [batch]cmsgs
}

func newRing(size int) *ring {
	r := &ring{size: size, buf: make([]byte, batch*size)}
	for i := range r.msgs {
		r.iovs[i].Base = &r.buf[i*size]
		r.iovs[i].SetLen(size)
		h := &r.msgs[i].Hdr
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Control = &r.ctl[i].b[0]
	}
	return r
}

// read takes what is there, at most a batch. 0 or less: nothing.
func (r *ring) read(fd int) int {
	for i := range r.msgs {
		r.msgs[i].Hdr.SetControllen(control)
	}
	for range 2 { // the first may only tell of an earlier datagram that found nobody
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.msgs[0])), batch, unix.MSG_DONTWAIT|unix.MSG_TRUNC, 0, 0)
		if errno == 0 {
			return int(n)
		}
		if errno != unix.ECONNREFUSED && errno != unix.EINTR {
			return 0
		}
	}
	return 0
}

// datagram gives message i of the last read, as far as it was read: its size (the kernel tells it, MSG_TRUNC), when the
// kernel got it, and how many its socket had lost by then. Nothing is given of one that ought to have fitted.
func (r *ring) datagram(i int) (pkt []byte, size int, at int64, overflow uint32) {
	h := &r.msgs[i].Hdr
	if size = int(r.msgs[i].Len); size <= r.size || r.size < stride {
		pkt = r.buf[i*r.size:][:min(size, r.size)]
	}
	at, overflow = parseControl(r.ctl[i].b[:min(int(h.Controllen), control)])
	if at == 0 {
		at = time.Now().UnixNano()
	}
	return pkt, size, at, overflow
}

// parseControl walks the control messages that the kernel wrote.
func parseControl(b []byte) (at int64, overflow uint32) {
	const head = unix.SizeofCmsghdr
	for len(b) >= head {
		size := int(binary.NativeEndian.Uint64(b))
		level, kind := binary.NativeEndian.Uint32(b[8:]), binary.NativeEndian.Uint32(b[12:])
		if size < head || size > len(b) {
			return at, overflow
		}
		data := b[head:size]
		switch {
		case level == unix.SOL_SOCKET && kind == unix.SCM_TIMESTAMPNS && len(data) >= 16:
			at = int64(binary.NativeEndian.Uint64(data))*int64(time.Second) + int64(binary.NativeEndian.Uint64(data[8:]))
		case level == unix.SOL_SOCKET && kind == unix.SO_RXQ_OVFL && len(data) >= 4:
			overflow = binary.NativeEndian.Uint32(data)
		}
		b = b[min((size+7)&^7, len(b)):]
	}
	return at, overflow
}
