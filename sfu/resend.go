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
	keptLeast   = 16       // packets, as far as keptMost allows: what is older is asked for by nobody
	keptFew     = 4 << 10  // bytes at first: 32 packets of a usual voice
	keptMost    = 16 << 10 // bytes
	mostCopies  = 8        // of one packet: whoever asks more often wants something else
)

type kept struct {
	at     uint64 // where it begins, counted from the first byte ever kept
	len    uint16
	seq    uint16
	copies uint8 // how often it was sent again
}

// outbound keeps the newest sealed packets of one slot in the order they went out. Its memory grows with their size.
type outbound struct {
	packets [keptPackets]kept
	bytes   []byte
	end     uint64
}

func (o *outbound) keep(n uint16, sealed []byte) {
	if len(sealed) > keptMost/4 {
		return
	}
	for len(o.bytes) < keptMost && !o.roomy(n, len(sealed)) {
		o.grow(n)
	}
	size := uint64(len(o.bytes))
	// In one piece: what does not fit before the end of the memory begins anew.
	if at := o.end % size; at+uint64(len(sealed)) > size {
		o.end += size - at
	}
	copy(o.bytes[o.end%size:], sealed)
	o.packets[n%keptPackets] = kept{at: o.end, len: uint16(len(sealed)), seq: n}
	o.end += uint64(len(sealed))
}

// roomy says that packet n can be kept beside the few before it.
func (o *outbound) roomy(n uint16, more int) bool {
	for back := uint16(keptLeast); back > 0; back-- {
		if k := &o.packets[(n-back)%keptPackets]; k.len > 0 && k.seq == n-back {
			return o.end+2*uint64(more)-k.at <= uint64(len(o.bytes)) // twice, for what is lost at the end of the memory
		}
	}
	return len(o.bytes) > 0
}

// grow doubles the memory. n is the next packet.
func (o *outbound) grow(n uint16) {
	old := *o
	*o = outbound{bytes: make([]byte, max(keptFew, 2*len(old.bytes)))}
	for back := uint16(keptPackets); back > 0 && len(old.bytes) > 0; back-- {
		k := &old.packets[(n-back)%keptPackets]
		if b := old.at(k, n-back); b != nil {
			o.keep(n-back, b)
			o.packets[(n-back)%keptPackets].copies = k.copies
		}
	}
}

// at gives the bytes of a packet, nil when they are gone.
func (o *outbound) at(k *kept, n uint16) []byte {
	if k.len == 0 || k.seq != n || o.end-k.at > uint64(len(o.bytes)) {
		return nil
	}
	at := k.at % uint64(len(o.bytes))
	return o.bytes[at : at+uint64(k.len)]
}

// get finds a packet that may be sent again.
func (o *outbound) get(n uint16) []byte {
	k := &o.packets[n%keptPackets]
	if k.copies == mostCopies {
		return nil
	}
	return o.at(k, n)
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
	if d.kept == nil {
		d.kept = new(outbound)
	}
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
	if d.kept == nil {
		return false
	}
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
