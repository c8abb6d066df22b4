package publisher

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/stamp"
	"incamera/media/report"
	"incamera/media/rtcp"
	"incamera/media/rtp"
)

// Shape is how a camera is sent.
type Shape string

// The shapes.
const (
	None      Shape = "none" // sound only
	Simulcast Shape = "simulcast"
	SVC       Shape = "svc"
	Single    Shape = "single"
)

// ParseShape knows the names of the shapes.
func ParseShape(s string) (Shape, error) {
	switch shape := Shape(s); shape {
	case None, Simulcast, SVC, Single:
		return shape, nil
	}
	return "", fmt.Errorf("%q is none of simulcast, svc, single, none", s)
}

// Codec is the codec of a shape's video.
func (s Shape) Codec() peer.Codec {
	if s == SVC {
		return peer.VP9
	}
	return peer.VP8
}

// Totals are the sums over all publishers of a process.
type Totals struct {
	Packets, Bytes atomic.Uint64
	Keys, Repairs  atomic.Uint64 // key frames asked for by the server; retransmissions
	Behind         atomic.Uint64 // packets that the pacer never sent
}

// Line is what a publisher sends on; a peer.Peer is one.
type Line interface {
	SendRTP(header, payload []byte, ssrc uint32, index uint64) error
	SendRTCP(pkt []byte) error
}

// Options of a Publisher.
type Options struct {
	Totals *Totals
	Shape  Shape
	Kbit   [Layers]int // of the layers, from small to large
	FPS    int
	Audio  bool
	// Speaks says whether the person is speaking at a moment; nil: always.
	Speaks func(time.Time) bool
}

// Publisher is the sending half of a person.
type Publisher struct {
	o      Options
	camera camera // nil: none
	mic    *lane  // nil: none
	lost   chan lost
	limit  atomic.Uint64 // bit/s that the server lets through; 0: all

	// owned by Run
	line   Line
	begun  time.Time
	queue  []*packet
	budget int
	twcc   uint16
	head   []byte
	repair [maxPayload + 16]byte
	report []byte
}

// lost is a packet that the server asks for.
type lost struct {
	ssrc uint32
	seq  uint16
}

// New makes one.
func New(o Options) *Publisher {
	p := &Publisher{o: o, lost: make(chan lost, 256), head: make([]byte, 0, maxHeader)}
	switch o.Shape {
	case Simulcast, Single:
		p.camera = newSimulcast(o.Kbit, o.FPS, o.Shape == Single)
	case SVC:
		p.camera = newSVC(o.Kbit, o.FPS)
	}
	if o.Audio {
		p.mic = newLane(peer.MicMID, "", peer.PTOpus, 0, 48000)
		p.mic.level = true
	}
	return p
}

// Describe adds what is sent to an offer.
func (p *Publisher) Describe(s *peer.Sections) {
	s.Codec = p.o.Shape.Codec()
	if p.mic != nil {
		s.Mic = &peer.Stream{SSRC: p.mic.ssrc}
	}
	if p.camera == nil {
		return
	}
	for _, l := range p.camera.lanes() {
		s.Camera = append(s.Camera, peer.Stream{SSRC: l.ssrc, RTX: l.rtx})
		if l.rid != "" {
			s.Rids = append(s.Rids, l.rid)
		}
	}
}

// Want takes a hint of the server: a layer by its rid, or how many spatial layers are watched.
func (p *Publisher) Want(rid string, on bool, spatial int) {
	if p.camera != nil {
		p.camera.want(rid, on, spatial)
	}
}

// RTCP takes what the server asks for, on the loop's thread.
func (p *Publisher) RTCP(pkt []byte) {
	if p.camera == nil {
		return
	}
	var seqs [17]uint16
	for r := rtcp.NewReader(pkt); r.Next(); {
		switch r.Kind() {
		case rtcp.PLI, rtcp.FIR:
			for i := range r.Targets() {
				p.askKey(r.Target(i))
			}
		case rtcp.REMB:
			p.limit.Store(r.Bitrate())
		case rtcp.NACK:
			for i := range r.NACKs() {
				for _, seq := range r.NACK(i).Append(seqs[:0]) {
					select {
					case p.lost <- lost{r.Media(), seq}:
					default: // more than can be repeated
					}
				}
			}
		}
	}
}

func (p *Publisher) askKey(ssrc uint32) {
	for _, l := range p.camera.lanes() {
		if l.ssrc == ssrc && !l.ask.Swap(true) {
			p.o.Totals.Keys.Add(1)
		}
	}
}

// The pace of libwebrtc: two and a half times the rate, in bursts every 5 ms; sound does not wait.
const (
	paceEvery  = 5 * time.Millisecond
	paceFactor = 2.5
	queueMost  = 2000
	soundEvery = 20 * time.Millisecond
	quietEvery = 20 // of the pieces of silence, one goes out: what Opus sends when nobody speaks
	srEvery    = time.Second
)

// Run sends until ctx ends or the line is closed. Call it when the line has its keys.
func (p *Publisher) Run(ctx context.Context, line Line) {
	gap := time.Second / time.Duration(max(p.o.FPS, 1))
	p.line = line
	p.begun = time.Now()
	var frames, pieces uint64
	// People's cameras do not tick together.
	frameAt := p.begun.Add(time.Duration(rand.Int64N(int64(gap))))
	soundAt := p.begun.Add(time.Duration(rand.Int64N(int64(soundEvery))))
	reportAt, paceAt := p.begun.Add(50*time.Millisecond), p.begun
	first, firstSound := frameAt, soundAt
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		if p.camera != nil && !now.Before(frameAt) {
			p.enqueue(p.camera.picture(moment{frames, now.Sub(p.begun), now, p.room()}))
			frames++
			frameAt = catchUp(first, gap, &frames, now)
		}
		if p.mic != nil && !now.Before(soundAt) {
			p.sendSound(pieces, now)
			pieces++
			soundAt = catchUp(firstSound, soundEvery, &pieces, now)
		}
		if len(p.queue) > 0 && !now.Before(paceAt) {
			p.pace()
			paceAt = now.Add(paceEvery)
		}
		if !now.Before(reportAt) {
			p.reports(now)
			reportAt = now.Add(srEvery)
		}
		next := reportAt
		if p.camera != nil && frameAt.Before(next) {
			next = frameAt
		}
		if p.mic != nil && soundAt.Before(next) {
			next = soundAt
		}
		if len(p.queue) > 0 && paceAt.Before(next) {
			next = paceAt
		}
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return
		case l := <-p.lost:
			p.again(l)
		case <-timer.C:
		}
	}
}

// catchUp is when number n is due. A generator that was held up for long leaves out what it missed.
func catchUp(first time.Time, every time.Duration, n *uint64, now time.Time) time.Time {
	at := first.Add(time.Duration(*n) * every)
	if late := now.Sub(at); late > 4*every {
		*n += uint64(late / every)
		at = first.Add(time.Duration(*n) * every)
	}
	return at
}

// room is how large a picture may be by the server's word, in bytes; 0: as large as it likes.
func (p *Publisher) room() int {
	limit := p.limit.Load()
	if limit == 0 || limit > 1<<40 {
		return 0
	}
	return max(int(limit)/8/p.o.FPS, 1)
}

func (p *Publisher) enqueue(all []*packet) {
	if over := len(p.queue) + len(all) - queueMost; over > 0 {
		p.o.Totals.Behind.Add(uint64(over))
		all = all[:max(len(all)-over, 0)]
	}
	p.queue = append(p.queue, all...)
}

// pace sends one burst: at least a packet.
func (p *Publisher) pace() {
	perTick := int(float64(p.camera.size()*p.o.FPS) * paceFactor * paceEvery.Seconds())
	if p.budget += perTick; p.budget > 2*perTick {
		p.budget = 2 * perTick
	}
	n := 0
	for n < len(p.queue) && (n == 0 || p.budget > 0) {
		p.budget -= len(p.queue[n].payload)
		p.send(p.queue[n])
		p.queue[n] = nil
		n++
	}
	p.queue = p.queue[n:]
	if len(p.queue) == 0 {
		p.queue = nil
	}
}

func (p *Publisher) sendSound(n uint64, now time.Time) {
	speaks := p.o.Speaks == nil || p.o.Speaks(now)
	if !speaks && n%quietEvery != 0 {
		return
	}
	pkt := &packet{lane: p.mic, payload: sound(Tone[n%uint64(len(Tone))]), stamped: true, level: rtp.LevelByte(127, false)}
	pkt.ts = p.mic.origin + uint32(n)*960
	if speaks {
		pkt.level = rtp.LevelByte(uint8(22+rand.IntN(16)), true)
	}
	p.send(pkt)
}

func (p *Publisher) send(pkt *packet) {
	l := pkt.lane
	l.index++
	p.twcc++
	if pkt.stamped {
		stamp.Put(pkt.payload, pkt.layer, time.Now().UnixNano())
	}
	p.head = l.header(p.head[:0], pkt, l.index, p.twcc)
	if p.line.SendRTP(p.head, pkt.payload, l.ssrc, l.index) != nil {
		return // closed: ctx ends too
	}
	l.packets++
	l.octets += uint32(len(pkt.payload))
	l.keep(pkt, uint16(l.index))
	p.count(len(p.head) + len(pkt.payload))
}

func (p *Publisher) count(bytes int) {
	p.o.Totals.Packets.Add(1)
	p.o.Totals.Bytes.Add(uint64(bytes))
}

// again repeats a packet on the repair stream.
func (p *Publisher) again(want lost) {
	for _, l := range p.camera.lanes() {
		if l.ssrc != want.ssrc {
			continue
		}
		payload, k := l.again(want.seq, p.repair[:])
		if k == nil {
			return
		}
		l.rtxIndex++
		p.twcc++
		p.head = l.repairHeader(p.head[:0], k.ts, k.marker, l.rtxIndex, p.twcc)
		if p.line.SendRTP(p.head, payload, l.rtx, l.rtxIndex) == nil {
			p.o.Totals.Repairs.Add(1)
			p.count(len(p.head) + len(payload))
		}
	}
}

// reports sends a sender report for each stream that has begun.
func (p *Publisher) reports(now time.Time) {
	all := []*lane{}
	if p.mic != nil {
		all = append(all, p.mic)
	}
	if p.camera != nil {
		all = append(all, p.camera.lanes()...)
	}
	for _, l := range all {
		if l.packets == 0 {
			continue
		}
		p.report = rtcp.AppendSR(p.report[:0], rtcp.SenderInfo{
			SSRC: l.ssrc, NTP: uint64(report.NTPOf(now)), RTP: l.ts(now.Sub(p.begun)), Packets: l.packets, Octets: l.octets,
		}, nil)
		p.report = rtcp.AppendSDES(p.report, l.ssrc, "load")
		_ = p.line.SendRTCP(p.report) // lost is lost: the next comes in a second
	}
}
