package viewer

import (
	"time"

	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/stamp"
	"incamera/media/nack"
	"incamera/media/report"
	"incamera/media/rtcp"
	"incamera/media/rtp"
	"incamera/media/seq"
	"incamera/media/twcc"
)

// Line is what a viewer opens and sends with; a peer.Peer is one.
type Line interface {
	Open(pkt []byte, headerLen int) ([]byte, error)
	SendRTCP(pkt []byte) error
	Primary(repair uint32) (ssrc uint32, ok bool)
}

// Options of a Viewer.
type Options struct {
	Totals *Totals
	Sample uint32 // one packet of so many is opened; 0: 64; Never: the packets' heads are enough
	SSRC   uint32 // in reports
	// First is called with the first packet of media: when the kernel got it. May be nil.
	First func(at int64)
}

// Never opens nothing: what is known is what the headers tell. Nothing is asked for again, as it would not be known when
// it came.
const Never = 1<<32 - 1

const (
	maxStreams    = 128
	feedbackEvery = 62 * time.Millisecond // the median of Chromium
	reportEvery   = time.Second
	nackEvery     = 20 * time.Millisecond
	pliEvery      = 300 * time.Millisecond
	maxRTCP       = 1100
	maxBlocks     = 31
)

// Viewer is the media side of one client. It implements peer.Media.
type Viewer struct {
	o       Options
	line    Line
	epoch   int64 // the time of the first packet: the zero of what the sums call now
	streams []*stream
	last    *stream
	feed    *twcc.Recorder
	header  rtp.Header

	feedAt, reportAt, nackAt int64
	buf                      []byte
	blocks                   []rtcp.Block
	lost                     []uint16
}

// New makes one; Attach gives it its line.
func New(o Options) *Viewer {
	if o.Sample == 0 {
		o.Sample = 64
	}
	return &Viewer{o: o, feed: twcc.NewRecorder(), buf: make([]byte, 0, 1400), lost: make([]uint16, 0, 64)}
}

// Attach gives the viewer its line, before anything can come on it.
func (v *Viewer) Attach(l Line) { v.line = l }

func (v *Viewer) since(at int64) time.Duration { return time.Duration(at-v.epoch) + time.Second }

// RTP implements peer.Media.
func (v *Viewer) RTP(pkt []byte, size int, at int64) {
	t, h := v.o.Totals, &v.header
	if rtp.ParseHeader(pkt, h) != nil {
		t.Garbage.Add(1)
		return
	}
	if v.epoch == 0 {
		v.epoch = at
		if v.o.First != nil {
			v.o.First(at)
		}
	}
	t.Packets.Add(1)
	t.Bytes.Add(uint64(size))
	if n, ok := rtp.ParseTransportCC(h.Ext(peer.ExtTransportCC)); ok {
		v.feed.Record(n, v.since(at))
	}
	s := v.stream(h)
	switch {
	case s == nil:
		t.Garbage.Add(1)
		return
	case s.repair:
		t.Repairs.Add(1)
		v.repaired(s, pkt, h.HeaderLen, at)
		return
	case s.video:
		t.Video.Add(1)
	default:
		t.Sound.Add(1)
	}
	ext, missing, fresh := s.number(h.Seq)
	if !fresh {
		return
	}
	if missing != 0 {
		t.Missing.Add(missing)
	}
	now := v.since(at)
	s.report.Packet(ext, h.TS, false, now)
	if s.nack != nil {
		s.nack.Received(ext, now)
	}
	if source := h.CSRC(0); source != s.source {
		s.source, s.freshAt = source, at+settle
	}
	if s.sample++; s.sample >= v.o.Sample && v.o.Sample != Never {
		s.sample = 0
		v.look(s, pkt, h.HeaderLen, at)
	}
}

// look opens one packet of the sample.
func (v *Viewer) look(s *stream, pkt []byte, headerLen int, at int64) {
	t := v.o.Totals
	plain, err := v.line.Open(pkt, headerLen)
	switch {
	case err == peer.ErrNotReady:
		return
	case err != nil:
		t.Forged.Add(1)
		return
	}
	t.Opened.Add(1)
	layer, sent, ok := stamp.Get(plain[headerLen:])
	if !ok {
		return // a packet full of picture has no room for a mark
	}
	if layer != s.layer {
		s.layer, s.freshAt = layer, max(s.freshAt, at+settle)
	}
	if at < s.freshAt {
		t.Stale.Add(1)
		return
	}
	t.Latency.Add(time.Duration(at - sent))
}

// repaired finds out which packet came again, when somebody waits for one.
func (v *Viewer) repaired(s *stream, pkt []byte, headerLen int, at int64) {
	ssrc, ok := v.line.Primary(s.ssrc)
	if !ok {
		return
	}
	for _, other := range v.streams {
		if other.ssrc != ssrc || other.nack == nil || other.nack.Missing() == 0 {
			continue
		}
		plain, err := v.line.Open(pkt, headerLen)
		if err != nil || len(plain) < headerLen+rtp.OSNLen {
			return
		}
		osn := uint16(plain[headerLen])<<8 | uint16(plain[headerLen+1])
		waited := other.nack.Received(seq.Near(other.ext.Highest(), osn), v.since(at))
		if waited && len(plain) == headerLen+rtp.OSNLen {
			v.o.Totals.Missing.Add(-1) // an empty repair: the number was left out, nothing was lost
		}
	}
}

func (v *Viewer) stream(h *rtp.Header) *stream {
	if v.last != nil && v.last.ssrc == h.SSRC {
		return v.last
	}
	for _, s := range v.streams {
		if s.ssrc == h.SSRC {
			v.last = s
			return s
		}
	}
	video, repair, known := kinds(h.PT)
	if !known || len(v.streams) == maxStreams {
		return nil
	}
	s := &stream{ssrc: h.SSRC, video: video, repair: repair, sample: h.SSRC % v.o.Sample}
	s.report.Clock = seq.ClockRate(48000)
	if video {
		s.report.Clock = seq.ClockRate(90000)
		if !repair && v.o.Sample != Never {
			s.nack = nack.NewGenerator(nack.Options{Max: 128, Pace: nack.Patient})
		}
	}
	v.streams = append(v.streams, s)
	v.last = s
	return s
}

// Streams is how many have come so far, repairs apart. On the loop's thread, or when nothing comes any more.
func (v *Viewer) Streams() (n int) {
	for _, s := range v.streams {
		if !s.repair {
			n++
		}
	}
	return n
}

// RTCP implements peer.Media: sender reports are for the round trip time that reports tell the server.
func (v *Viewer) RTCP(pkt []byte, at int64) {
	if v.epoch == 0 {
		return
	}
	for r := rtcp.NewReader(pkt); r.Next(); {
		info, ok := r.Sender()
		if !ok {
			continue
		}
		for _, s := range v.streams {
			if s.ssrc == info.SSRC {
				s.report.SenderReport(report.NTP(info.NTP), v.since(at))
			}
		}
	}
}

// Tick implements peer.Media.
func (v *Viewer) Tick(now int64) {
	if v.epoch == 0 {
		return
	}
	if now-v.feedAt >= int64(feedbackEvery) {
		v.feedAt = now
		v.feedback(now)
	}
	if now-v.nackAt >= int64(nackEvery) {
		v.nackAt = now
		v.request(now)
	}
	if now-v.reportAt >= int64(reportEvery) {
		v.reportAt = now
		v.receiverReport(now)
	}
}

// send gives a compound packet to the line; before the keys it is as good as lost.
func (v *Viewer) send(pkt []byte) { _ = v.line.SendRTCP(pkt) }

func (v *Viewer) feedback(now int64) {
	for more := true; more; {
		var pkt []byte
		pkt, more = v.feed.Append(v.buf[:0], v.o.SSRC, 0, maxRTCP, v.since(now))
		if len(pkt) == 0 {
			return
		}
		v.send(pkt)
	}
}

func (v *Viewer) receiverReport(now int64) {
	v.blocks = v.blocks[:0]
	for _, s := range v.streams {
		if !s.repair && len(v.blocks) < maxBlocks {
			v.blocks = append(v.blocks, s.report.Block(s.ssrc, v.since(now)))
		}
	}
	if len(v.blocks) > 0 {
		v.send(rtcp.AppendRR(v.buf[:0], v.o.SSRC, v.blocks))
	}
}

// request asks for what is missing and, when a packet is given up, for a key frame, as a browser does.
func (v *Viewer) request(now int64) {
	for _, s := range v.streams {
		if s.nack == nil {
			continue
		}
		if v.lost = s.nack.Due(v.lost[:0], 50*time.Millisecond, v.since(now)); len(v.lost) > 0 {
			pkt, _ := rtcp.AppendNACK(v.buf[:0], v.o.SSRC, s.ssrc, v.lost, maxRTCP)
			v.send(pkt)
		}
		if s.broken = s.broken || s.nack.TakeLost() > 0; s.broken && now-s.pliAt >= int64(pliEvery) {
			s.broken, s.pliAt = false, now
			v.send(rtcp.AppendPLI(v.buf[:0], v.o.SSRC, s.ssrc))
		}
	}
}
