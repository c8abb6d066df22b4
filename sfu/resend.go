package sfu

// Sound has no repair stream: a lost packet is sent again byte for byte, since sealing the same number over other bytes
// would give its key away. So the newest sealed packets of an audio slot are kept.
const (
	keptPackets = 64
	keptBytes   = 16 << 10 // 64 of usual size; of large ones fewer
)

type kept struct {
	at  uint64 // where it begins, counted from the first byte ever kept
	len uint16
	seq uint16
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

func (o *outbound) get(n uint16) []byte {
	k := &o.packets[n%keptPackets]
	if k.len == 0 || k.seq != n || o.end-k.at > keptBytes {
		return nil
	}
	at := k.at % keptBytes
	return o.bytes[at : at+uint64(k.len)]
}

func (o *outbound) forget() { o.packets = [keptPackets]kept{} }

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
	copy(buf, sealed)
	// Not p.sent: its transport-wide number is the old one.
	p.shard.out.packets++
	p.shard.out.bytes += uint64(len(buf))
	return true
}
