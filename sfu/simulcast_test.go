package sfu

import (
	"strings"
	"testing"
	"time"

	"incamera/media/layer"
	"incamera/media/rtp"
)

const testStep = 10 * time.Millisecond

// simulcaster is a camera in three sizes on a direct shard. It makes a key frame a while after it is asked for one.
type simulcaster struct {
	*party
	t      testing.TB
	source *Source
	delay  time.Duration // from the request to the key frame
	sizes  [3]sizeOf
}

type sizeOf struct {
	off    bool
	rate   int
	seq    uint16
	ts     uint32
	pid    uint16
	next   time.Duration
	keyAt  time.Duration // when the next key frame is due
	asked  time.Duration // the request that was seen last
	begun  bool
	width  uint16
	height uint16
}

func (d *direct) simulcast() *simulcaster {
	d.t.Helper()
	d.edit = func(sdp string) string {
		at := strings.Index(sdp, "m=video")
		end := at + strings.Index(sdp[at:], "a=rtcp-mux")
		return sdp[:end] + "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n" + sdp[end:]
	}
	c := &simulcaster{party: d.join(true, 1), t: d.t, delay: 100 * time.Millisecond}
	d.edit = nil
	c.source = c.sources[camera]
	for i, rate := range []int{150_000, 500_000, 2_500_000} {
		c.addStream(uint32(5000+i), c.source.layers[i], false)
		c.sizes[i] = sizeOf{rate: rate, seq: 100, ts: 1000, pid: 1, width: 320 << i, height: 180 << i}
	}
	return c
}

// frame sends one picture of a size: a key frame is four times as large.
func (c *simulcaster) frame(d *direct, i int, key bool) {
	st := &c.sizes[i]
	bytes := st.rate / 8 / 30
	if key {
		bytes *= 4
	}
	n := (bytes + 1099) / 1100
	for part := range n {
		var head [rtp.MaxHeader]byte
		h := rtp.Out{PT: vp8PT, Marker: part == n-1, Seq: st.seq, TS: st.ts, SSRC: uint32(5000 + i), MID: "1", TransportCC: c.seq}
		k := rtp.Put(head[:], &h, &rtp.ExtIDs{MID: midID, TransportCC: tccID})
		payload := vp8Payload(part == 0, key, st.pid, bytes/n)
		if part == 0 && key {
			copy(payload[10:], []byte{byte(st.width), byte(st.width >> 8), byte(st.height), byte(st.height >> 8)})
		}
		d.pass(c.party, c.seal(c.t, append(head[:k:k], payload...)))
		st.seq++
		c.seq++
	}
	st.ts += 3000
	st.pid++
}

// run lets the meeting go on for a time; each is called after every step.
func (c *simulcaster) run(d *direct, span time.Duration, viewers []*party, each func()) {
	for end := d.s.now + span; d.s.now < end; {
		now := d.s.now + testStep
		d.s.now = now
		for i := range c.sizes {
			st := &c.sizes[i]
			if st.off {
				st.begun = false
				continue
			}
			if l := c.source.layers[i]; l.pliAt != st.asked {
				st.asked = l.pliAt
				if st.keyAt == 0 {
					st.keyAt = now + c.delay
				}
			}
			if now < st.next {
				continue
			}
			st.next = now + time.Second/30
			key := !st.begun || st.keyAt != 0 && now >= st.keyAt
			if key {
				st.begun, st.keyAt = true, 0
			}
			c.frame(d, i, key)
		}
		c.lastPacket = now
		for _, v := range viewers {
			v.lastPacket = now
		}
		d.at(now)
		if each != nil {
			each()
		}
	}
}

// obey switches the sizes on and off as the node hints.
func (c *simulcaster) obey() {
	mask, _ := c.source.hints.Wanted(c.shard.now)
	for i := range c.sizes {
		c.sizes[i].off = mask&(1<<i) == 0
	}
}

// link sets what a viewer's link carries as video.
func (p *party) link(most layer.Bitrate) {
	p.division.most = most
	p.soon()
}

// size wishes the one picture at a size.
func (p *party) size(width, height uint16) {
	p.video0().wish = wish{width: width, height: height}
	p.divide()
}

func (p *party) video0() *Down { return p.Peer.video[0] }

// shown is the simulcast layer that is forwarded, -1: none.
func (p *party) shown() int {
	if l := p.video0().layer; l != nil {
		return l.index
	}
	return -1
}
