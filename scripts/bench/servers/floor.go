package servers

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sort"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"incamera/scripts/bench/traffic"
)

const (
	floorRuns  = 64
	floorArena = 1 << 20
	floorHead  = 24 // an RTP header with one extension, as the node writes it
	floorTag   = 16
)

// floor does only what no forwarder can leave out: it seals each packet for each receiver and hands the lot to the kernel
// with segmentation offload. It plays the publishers' schedule by itself, so nothing is received, and nothing decided.
type floor struct {
	mu    sync.Mutex // guards rooms and order while receivers are added; nothing is played then
	rooms map[string]*floorRoom
	order []string
	fd    int
	stop  chan struct{}
	ended chan struct{}
	sent  atomic.Uint64
	calls atomic.Uint64
	msgd  atomic.Uint64

	arena []byte
	used  int
	runs  int
	msgs  [floorRuns]unix.Mmsghdr
	iovs  [floorRuns]unix.Iovec
	ctl   [floorRuns]struct {
		hdr  unix.Cmsghdr
		size uint16
		_    [6]byte
	}
}

type floorRoom struct {
	subs   []*floorSub
	plain  [1500]byte
	player *traffic.Player
	next   traffic.Event
}

type floorSub struct {
	sa    unix.RawSockaddrInet4
	aead  cipher.AEAD
	nonce [12]byte
	seq   uint32
}

func newFloor() (*floor, error) {
	debug.SetGCPercent(-1)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback.As4()}); err != nil {
		return nil, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<20)
	d := &floor{rooms: map[string]*floorRoom{}, fd: fd, arena: make([]byte, floorArena)}
	for i := range d.msgs {
		d.msgs[i].Hdr.Iov = &d.iovs[i]
		d.msgs[i].Hdr.SetIovlen(1)
		d.ctl[i].hdr.Level, d.ctl[i].hdr.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
		d.ctl[i].hdr.SetLen(unix.CmsgLen(2))
	}
	return d, nil
}

// admit takes a receiver's address.
func (d *floor) admit(r *Request) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	room := d.rooms[r.Room]
	if room == nil {
		room = &floorRoom{}
		d.rooms[r.Room] = room
		d.order = append(d.order, r.Room)
		sort.Strings(d.order)
	}
	if r.Publisher {
		return "", nil
	}
	addr, err := netip.ParseAddrPort(r.Addr)
	if err != nil {
		return "", err
	}
	var key [16]byte
	binary.BigEndian.PutUint32(key[:], r.Number)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return "", err
	}
	s := &floorSub{sa: unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: addr.Addr().As4()}}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&s.sa.Port))[:], addr.Port())
	if s.aead, err = cipher.NewGCM(block); err != nil {
		return "", err
	}
	room.subs = append(room.subs, s)
	return "", nil
}

func (d *floor) leave(*Request) error { return fmt.Errorf("the floor has no leaving") }

func (d *floor) play(p *traffic.Pattern) error {
	if d.stop != nil {
		close(d.stop)
		<-d.ended
		d.stop = nil
	}
	if p == nil {
		return nil
	}
	start := traffic.Monotonic() + 20*time.Millisecond
	var rooms []*floorRoom
	for i, name := range d.order {
		r := d.rooms[name]
		r.player = traffic.NewPlayer(*p, start+p.Frame*time.Duration(i)/time.Duration(len(d.order)))
		r.next = r.player.Next()
		rooms = append(rooms, r)
	}
	d.stop, d.ended = make(chan struct{}), make(chan struct{})
	go d.run(rooms, *p)
	return nil
}

func (d *floor) run(rooms []*floorRoom, p traffic.Pattern) {
	runtime.LockOSThread()
	defer close(d.ended)
	for {
		select {
		case <-d.stop:
			return
		default:
		}
		now := traffic.Monotonic()
		soonest := now + 20*time.Millisecond
		for _, r := range rooms {
			if r.next.At <= now {
				d.event(r, &p)
				r.player.Take(r.next)
				r.next = r.player.Next()
			}
			soonest = min(soonest, r.next.At)
		}
		d.flush()
		if soonest > now {
			traffic.SleepUntil(soonest)
		}
	}
}

func (d *floor) event(r *floorRoom, p *traffic.Pattern) {
	for _, s := range r.subs {
		if r.next.Audio {
			d.packet(s, r.plain[:traffic.AudioSize], true)
			continue
		}
		for i := r.next.From; i < r.next.To; i++ {
			d.packet(s, r.plain[:p.Sizes[i]], i == r.next.From)
		}
	}
}

// packet seals one into the arena, as another segment of the receiver's run or as a new run.
func (d *floor) packet(s *floorSub, payload []byte, first bool) {
	size := floorHead + len(payload) + floorTag
	if d.runs > 0 && !first {
		last := d.runs - 1
		if whole := int(d.ctl[last].size); int(d.iovs[last].Len)%whole != 0 || size > whole {
			first = true
		}
	}
	if first && d.runs == floorRuns || d.used+size > floorArena {
		d.flush()
		first = true
	}
	out := d.arena[d.used : d.used+size]
	s.seq++
	binary.BigEndian.PutUint32(s.nonce[8:], s.seq)
	out[0], out[1] = 0x90, 96
	binary.BigEndian.PutUint16(out[2:], uint16(s.seq))
	binary.BigEndian.PutUint64(out[4:], 0)
	binary.BigEndian.PutUint64(out[12:], 0)
	binary.BigEndian.PutUint32(out[20:], 0)
	s.aead.Seal(out[:floorHead], s.nonce[:], payload, out[:floorHead])
	if first {
		i := d.runs
		d.runs++
		d.iovs[i].Base = &out[0]
		d.iovs[i].SetLen(size)
		h := &d.msgs[i].Hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&s.sa)), unix.SizeofSockaddrInet4
		d.ctl[i].size = uint16(size)
		h.Control = nil
		h.SetControllen(0)
	} else {
		i := d.runs - 1
		d.iovs[i].SetLen(int(d.iovs[i].Len) + size)
		d.msgs[i].Hdr.Control = (*byte)(unsafe.Pointer(&d.ctl[i]))
		d.msgs[i].Hdr.SetControllen(unix.CmsgSpace(2))
	}
	d.used += size
	d.sent.Add(1)
}

func (d *floor) flush() {
	for at := 0; at < d.runs; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(d.fd), uintptr(unsafe.Pointer(&d.msgs[at])), uintptr(d.runs-at), unix.MSG_NOSIGNAL, 0, 0)
		d.calls.Add(1)
		switch errno {
		case 0:
			d.msgd.Add(uint64(n))
			at += int(n)
		case unix.ECONNREFUSED, unix.EINTR:
		default:
			at++
		}
	}
	d.runs, d.used = 0, 0
}

func (d *floor) count(u *Usage) error {
	u.Out, u.Datagrams, u.TxCalls, u.TxMessages = d.sent.Load(), d.sent.Load(), d.calls.Load(), d.msgd.Load()
	return nil
}

func (d *floor) close() { _ = d.play(nil); _ = unix.Close(d.fd) }
