package twcc

import (
	"encoding/binary"
	"time"

	"incamera/media/seq"
)

// Interval is how often feedback is sent.
const Interval = 50 * time.Millisecond

const (
	window    = 1024 // packets that can wait for a report, a power of two
	full      = window / 2
	maxStatus = 512 // packets in one feedback
)

// Recorder collects the arrivals of one publisher's transport. Not for concurrent use.
type Recorder struct {
	ext    seq.Extender
	base   seq.Ext // first packet of the next report
	wants  bool    // something arrived since the last report
	last   time.Duration
	count  uint8
	times  [window]time.Duration // arrival + 1; 0: not arrived
	status [maxStatus]uint8
}

// NewRecorder makes one.
func NewRecorder() *Recorder { return &Recorder{} }

// Record takes note of a packet (each RTP packet with a transport-wide number, RTX and padding too).
func (r *Recorder) Record(s uint16, now time.Duration) {
	high := r.ext.Highest()
	e := r.ext.Extend(s)
	switch {
	case high == 0:
		r.base, r.last = e, now
	case e > high:
		for i := max(high+1, r.oldest()); i < e; i++ {
			r.times[i%window] = 0
		}
	case e < r.oldest() || r.times[e%window] != 0:
		return // too late, or a duplicate
	case e < r.base:
		r.base = e // came after its report said it was lost: say otherwise
	}
	r.times[e%window] = now + 1
	r.base = max(r.base, r.oldest())
	r.wants = true
}

// oldest is the oldest packet that has a place.
func (r *Recorder) oldest() seq.Ext {
	if h := r.ext.Highest(); h >= window {
		return h - window + 1
	}
	return 1
}

// Due says whether feedback should be built: there is something to report and the interval is over.
func (r *Recorder) Due(now time.Duration) bool {
	return r.wants && (now-r.last >= Interval || r.ext.Highest()-r.base >= full)
}

// Next is when that will be, if nothing more arrives; false: there is nothing to report.
func (r *Recorder) Next() (time.Duration, bool) {
	if r.wants && r.ext.Highest()-r.base >= full {
		return 0, true
	}
	return r.last + Interval, r.wants
}

// Append adds one feedback packet (a whole RTCP part) of at most maxLen bytes to dst; more says that there is more to
// report: call again. dst is unchanged when there is nothing to report or maxLen is below 64.
func (r *Recorder) Append(dst []byte, sender, media uint32, maxLen int, now time.Duration) (out []byte, more bool) {
	if !r.wants || maxLen < 64 {
		return dst, false
	}
	n, ref := r.collect(maxLen)
	if n == 0 { // the loss ahead is too long for one feedback: leave it out
		for r.times[r.base%window] == 0 {
			r.base++
		}
		n, ref = r.collect(maxLen)
	}
	at := len(dst)
	dst = append(dst, 2<<6|format, packetType, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, sender)
	dst = binary.BigEndian.AppendUint32(dst, media)
	dst = binary.BigEndian.AppendUint16(dst, r.base.Seq())
	dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	dst = append(dst, byte(ref>>16), byte(ref>>8), byte(ref), r.count)
	dst = appendChunks(dst, r.status[:n])
	dst = r.appendDeltas(dst, n)
	if pad := -(len(dst) - at) & 3; pad > 0 {
		dst[at] |= 0x20
		dst = append(dst, 0, 0, 0)[:len(dst)+pad]
		dst[len(dst)-1] = byte(pad)
	}
	binary.BigEndian.PutUint16(dst[at+2:], uint16((len(dst)-at)/4-1))

	r.count++
	r.base += seq.Ext(n)
	r.last = now
	r.wants = r.base <= r.ext.Highest()
	return dst, r.wants
}

// ticks is an arrival in units of a delta.
func ticks(t time.Duration) int64 { return int64(t-1) / int64(deltaUnit) }

// collect decides the status of the packets from base on, as many as fit: n of them, ending with one that arrived.
func (r *Recorder) collect(maxLen int) (n int, ref int64) {
	last := int64(-1)
	deltas := 0
	end := r.ext.Highest()
	for i := 0; i < maxStatus && r.base+seq.Ext(i) <= end; i++ {
		t := r.times[(r.base+seq.Ext(i))%window]
		if t == 0 {
			r.status[i] = statusLost
			continue
		}
		at := ticks(t)
		if last < 0 {
			ref = at / refTicks
			last = ref * refTicks
		}
		d := at - last
		size := 1
		r.status[i] = statusSmall
		if d < 0 || d > 255 {
			size = 2
			r.status[i] = statusLarge
			if d < -1<<15 || d > 1<<15-1 {
				break // too far apart for one feedback
			}
		}
		// The worst a chunk does is seven packets in two bytes.
		if headLen+2*(i/7+1)+deltas+size+3 > maxLen {
			break
		}
		deltas += size
		last = at
		n = i + 1
	}
	return n, ref & 0xffffff
}

// appendDeltas writes the deltas of the first n packets.
func (r *Recorder) appendDeltas(dst []byte, n int) []byte {
	last := int64(-1)
	for i, s := range r.status[:n] {
		if s == statusLost {
			continue
		}
		at := ticks(r.times[(r.base+seq.Ext(i))%window])
		if last < 0 {
			last = at / refTicks * refTicks
		}
		if s == statusSmall {
			dst = append(dst, byte(at-last))
		} else {
			dst = binary.BigEndian.AppendUint16(dst, uint16(at-last))
		}
		last = at
	}
	return dst
}

// appendChunks packs statuses: a run of one status, 14 packets of one bit, or 7 of two bits.
func appendChunks(dst []byte, st []uint8) []byte {
	for len(st) > 0 {
		run := 1
		for run < len(st) && run < maxRunChunk && st[run] == st[0] {
			run++
		}
		bits := 0
		for bits < len(st) && bits < 14 && st[bits] != statusLarge {
			bits++
		}
		var chunk uint16
		var used int
		switch {
		case run >= 14 || run == len(st) || run >= 7 && bits < 14 && bits < len(st):
			used = run
			chunk = uint16(st[0])<<13 | uint16(run)
		case bits == 14 || bits == len(st):
			used = bits
			chunk = 1 << 15
			for i, s := range st[:used] {
				chunk |= uint16(s) << (13 - i)
			}
		default:
			used = min(7, len(st))
			chunk = 3 << 14
			for i, s := range st[:used] {
				chunk |= uint16(s) << (12 - 2*i)
			}
		}
		dst = binary.BigEndian.AppendUint16(dst, chunk)
		st = st[used:]
	}
	return dst
}
