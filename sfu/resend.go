package sfu

import (
	"time"

	"incamera/media/layer"
	"incamera/media/send"
)

// Sound has no repair stream: a lost packet is sent again byte for byte, since sealing the same number over other bytes
// would give its key away. So the newest sealed packets of an audio slot are kept.
const (
	keptPackets = 64
	keptBytes   = 16 << 10 // 64 of usual size; of large ones fewer
	mostCopies  = 8        // of one packet: whoever asks more often wants something else
)

type kept struct {
	at     uint64 // where it begins, counted from the first byte ever kept
	len    uint16
	seq    uint16
	copies uint8 // how often it was sent again
}

// outbound keeps the newest sealed packets of one slot in the order they went out.
type outbound struct {
	packets [keptPackets]kept
	bytes   [keptBytes]byte
	end     uint64
}

func (o *outbound) keep(n uint16, sealed []byte) {
	if len(sealed) > keptBytes/4 {
		return
	}
	// In one piece: what does not fit before the end of the memory begins anew.
	if at := o.end % keptBytes; at+uint64(len(sealed)) > keptBytes {
		o.end += keptBytes - at
	}
	copy(o.bytes[o.end%keptBytes:], sealed)
	o.packets[n%keptPackets] = kept{at: o.end, len: uint16(len(sealed)), seq: n}
	o.end += uint64(len(sealed))
}

// get finds a packet that may be sent again.
func (o *outbound) get(n uint16) []byte {
	k := &o.packets[n%keptPackets]
	if k.len == 0 || k.seq != n || k.copies == mostCopies || o.end-k.at > keptBytes {
		return nil
	}
	at := k.at % keptBytes
	return o.bytes[at : at+uint64(k.len)]
}

func (o *outbound) forget() { o.packets = [keptPackets]kept{} }

// A listener who loses this much gets each packet of a voice twice for a while, unless the link is so thin that the copies
// themselves might be what is lost.
const (
	doubleFrom   = 8 // percent
	doubleWindow = time.Second
	doubleLeast  = 10 // packets in a window that says anything
	doubleFor    = 20 * time.Second
	doubleBudget = layer.Bitrate(300_000)
)

// doubler says whether packets are to be sent twice.
type doubler struct {
	sent, lost int // in the window
	began      time.Duration
	until      time.Duration
}

// forwarded takes note of a packet that goes out.
func (d *doubler) forwarded(now time.Duration) bool {
	if now-d.began >= doubleWindow {
		if d.sent >= doubleLeast && d.lost*100 >= d.sent*doubleFrom {
			d.until = now + doubleFor
		}
		d.sent, d.lost, d.began = 0, 0, now
	}
	d.sent++
	return now < d.until
}

// reported takes the share of lost packets from a receiver's report, in 1/256.
func (d *doubler) reported(fraction uint8, now time.Duration) {
	if int(fraction)*100 >= 256*doubleFrom {
		d.until = now + doubleFor
	}
}

// keep remembers a sealed packet of a voice. To a listener on a lossy link the one before it goes out again now: a copy
// at once would be lost together with it.
func (d *Down) keep(n uint16, sealed []byte) {
	d.kept.keep(n, sealed)
	p := d.peer
	if !d.double.forwarded(p.shard.now) {
		return
	}
	if budget := p.budget(); (budget == 0 || budget >= doubleBudget) && d.resend(n-1) {
		p.shard.counts.doubled.Add(1)
	}
}

// resend sends a lost packet of a voice again.
func (d *Down) resend(lost uint16) bool {
	p := d.peer
	sealed := d.kept.get(lost)
	if sealed == nil {
		return false
	}
	buf := p.buffer(len(sealed))
	if buf == nil {
		return false
	}
	d.kept.packets[lost%keptPackets].copies++
	copy(buf, sealed)
	// Not p.sent: its transport-wide number is the old one.
	if p.flow != nil {
		p.flow.Debit(len(buf)+send.Datagram, p.shard.now)
		p.flow.Audio(len(buf))
	}
	p.shard.out.packets++
	p.shard.out.bytes += uint64(len(buf))
	return true
}
