package crowd

import (
	"encoding/binary"
	"time"

	"incamera/cmd/incamera/load/figures"
	"incamera/media/rtcp"
	"incamera/media/rtp"
	"incamera/media/seq"
)

// Counts are what a client received.
type Counts struct {
	Packets, Bytes   uint64
	Lost             uint64 // by the sequence numbers of its streams
	Repairs          uint64
	Latency          *figures.Histogram // of the sampled ones
	Undecrypted, PLI uint64
}

// stream is one SSRC that comes in.
type stream struct {
	ssrc     uint32
	pt       uint8
	ext      seq.Extender
	first    seq.Ext
	packets  uint64
	lsr      uint32
	lsrAt    time.Duration
	reported uint64 // lost when last reported
	expected uint64
}

func (s *stream) lost() uint64 {
	all := uint64(s.ext.Highest()-s.first) + 1
	if s.pt == rtxPT || all < s.packets {
		return 0
	}
	return all - s.packets
}

// take takes one datagram; of those that are not decrypted only the beginning was read.
func (l *Loop) take(c *Client, b []byte, complete bool, at int64) {
	if len(b) < 12 {
		return
	}
	switch {
	case b[0] <= 3:
		if complete {
			c.stun(b)
		}
		return
	case b[0] < 128 || b[0] > 191:
		return
	case b[1] >= 192 && b[1] <= 223:
		if complete && c.in != nil {
			l.rtcp(c, b, at)
		}
		return
	}
	h := &l.hdr
	if rtp.ParseHeader(b, h) != nil {
		return
	}
	if c.counts.Packets == 0 {
		c.first.CompareAndSwap(0, at)
	}
	c.counts.Packets++
	c.counts.Bytes += uint64(len(b))
	if h.PT == rtxPT {
		c.counts.Repairs++
	}
	c.note(h)
	if n, ok := rtp.ParseTransportCC(h.Ext(tccID)); ok {
		c.recorder.Record(n, time.Duration(at-l.base))
	}
	if c.sampled && complete && c.in != nil {
		l.decrypt(c, b, at)
	}
}

func (c *Client) note(h *rtp.Header) {
	for i := range c.streams {
		if s := &c.streams[i]; s.ssrc == h.SSRC {
			s.ext.Extend(h.Seq)
			s.packets++
			return
		}
	}
	if len(c.streams) < 64 {
		s := stream{ssrc: h.SSRC, pt: h.PT, packets: 1}
		s.first = s.ext.Extend(h.Seq)
		c.streams = append(c.streams, s)
	}
}

// stamp is what a publisher writes at the end of each payload: a mark and when it was sent.
const (
	stampLen  = 12
	stampMark = 0x1ca3e7a5
)

func (l *Loop) decrypt(c *Client, b []byte, at int64) {
	n, _, err := c.in.Open(l.plain[:], b, l.hdr.HeaderLen)
	if err != nil {
		c.counts.Undecrypted++
		return
	}
	if n < l.hdr.HeaderLen+stampLen || l.hdr.PT == rtxPT || binary.BigEndian.Uint32(l.plain[n-stampLen:]) != stampMark {
		return
	}
	if c.counts.Latency == nil {
		c.counts.Latency = &figures.Histogram{}
	}
	c.counts.Latency.Add(time.Duration(at - int64(binary.BigEndian.Uint64(l.plain[n-8:]))))
}

func (l *Loop) rtcp(c *Client, b []byte, at int64) {
	n, err := c.in.OpenRTCP(l.plain[:], b)
	if err != nil {
		c.counts.Undecrypted++
		return
	}
	r := rtcp.NewReader(l.plain[:n])
	for r.Next() {
		switch r.Kind() {
		case rtcp.SR:
			info, _ := r.Sender()
			for i := range c.streams {
				if s := &c.streams[i]; s.ssrc == info.SSRC {
					s.lsr, s.lsrAt = uint32(info.NTP>>16), time.Duration(at-l.base)
				}
			}
		case rtcp.PLI, rtcp.FIR:
			c.counts.PLI++
			c.wanted.Store(true)
		}
	}
}

// report tells the server what came, as browsers do.
func (l *Loop) report(c *Client) {
	c.turns++
	now := time.Duration(time.Since(l.start))
	if c.turns%checkIn == 0 && c.remotePassword != "" {
		_ = c.sendCheck()
	}
	if c.out == nil || c.Shape.AudioSlots+c.Shape.VideoSlots == 0 {
		return
	}
	buf := l.build[:0]
	if c.turns%reportIn == 0 && len(c.streams) > 0 {
		var blocks [31]rtcp.Block
		n := 0
		for i := range c.streams {
			if n < len(blocks) && c.streams[i].pt != rtxPT {
				blocks[n] = c.streams[i].block(now)
				n++
			}
		}
		buf = rtcp.AppendRR(buf, 1, blocks[:n])
		buf = rtcp.AppendSDES(buf, 1, "c")
	}
	for more := true; more && len(buf) < 1000; {
		buf, more = c.recorder.Append(buf, 1, c.anySSRC(), 1000, now)
	}
	l.sendRTCP(c, buf)
}

func (l *Loop) sendRTCP(c *Client, plain []byte) {
	if len(plain) == 0 {
		return
	}
	c.outMu.Lock()
	n, err := c.out.SealRTCP(l.sealed[:], plain)
	c.outMu.Unlock()
	if err == nil {
		_ = c.write(l.sealed[:n])
	}
}

func (c *Client) anySSRC() uint32 {
	if len(c.streams) > 0 {
		return c.streams[0].ssrc
	}
	return 0
}

func (s *stream) block(now time.Duration) rtcp.Block {
	lost, expected := s.lost(), uint64(s.ext.Highest()-s.first)+1
	b := rtcp.Block{SSRC: s.ssrc, Lost: int32(lost), HighestSeq: uint32(s.ext.Highest())}
	if span := expected - s.expected; span > 0 && lost > s.reported {
		b.FractionLost = uint8(min(255, (lost-s.reported)*256/span))
	}
	s.expected, s.reported = expected, lost
	if s.lsr != 0 {
		b.LSR, b.DLSR = s.lsr, uint32((now-s.lsrAt)*65536/time.Second)
	}
	return b
}
