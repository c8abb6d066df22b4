package sfu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	"incamera/media/codec"
	"incamera/media/dd"
	"incamera/media/rtp"
	"incamera/sfu/offer"
)

// layered is a camera that sends VP9 in three spatial and three temporal layers, and a viewer of it.
type layered struct {
	*direct
	t           *testing.T
	pub, viewer *party
	pic, since  int
	layers      uint8
	late        [][]byte // packets that were held back
	hold        func(sid uint8, part int) bool
	asked       time.Duration
}

// arrived is a packet as the viewer got it.
type arrived struct {
	seq, pid uint16
	ts       uint32
	sid, tid uint8
	marker   bool
	repair   bool
	empty    bool
}

func newLayered(t *testing.T) *layered {
	l := &layered{direct: newDirect(t), t: t, layers: 3}
	l.edit = func(sdp string) string {
		return strings.ReplaceAll(sdp, "a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP9/90000\r\na=fmtp:96 profile-id=0")
	}
	l.pub, l.viewer = l.join(true, 1), l.join(false, 1)
	return l
}

// picture sends one picture of two packets for each layer.
func (l *layered) picture(key bool) {
	if key {
		l.since = 0
	}
	pattern := [4]struct{ tid, diff byte }{{0, 4}, {2, 1}, {1, 2}, {2, 1}}[l.since%4]
	for sid := range l.layers {
		for part := range 2 {
			b0 := byte(0x80 | 0x20 | 0x10)
			if part == 0 {
				b0 |= 0x08
			} else {
				b0 |= 0x04
			}
			p := []byte{b0, 0x80 | byte(l.pic>>8), byte(l.pic), pattern.tid<<5 | sid<<1}
			if pattern.tid == 0 {
				p[3] |= 0x10
			}
			if l.since > 0 {
				p[0] |= 0x40
				p = append(p, pattern.diff<<1)
			} else if sid > 0 {
				p[3] |= 1
			} else if part == 0 {
				p[0] |= 0x02
				sizes := [][]byte{{0, 240, 0, 135}, {1, 224, 1, 14}, {3, 192, 2, 28}}
				p = append(append(p, (l.layers-1)<<5|0x10), bytes.Join(sizes[:l.layers], nil)...)
			}
			p = append(p, make([]byte, 60<<sid)...)
			var head [rtp.MaxHeader]byte
			h := rtp.Out{PT: vp8PT, Marker: sid == l.layers-1 && part == 1, Seq: l.pub.seq, TS: l.pub.ts, SSRC: 77001, MID: "1", TransportCC: l.pub.seq}
			n := rtp.Put(head[:], &h, &rtp.ExtIDs{MID: midID, TransportCC: tccID})
			sealed := l.pub.seal(l.t, append(head[:n:n], p...))
			l.pub.seq++
			if l.hold != nil && l.hold(sid, part) {
				l.late = append(l.late, sealed)
				continue
			}
			l.pass(l.pub, sealed)
		}
	}
	l.pic, l.since, l.pub.ts = l.pic+1, l.since+1, l.pub.ts+3000
}

// run lets pictures come, key pictures when the node asked for one, and gives what the viewer got.
func (l *layered) run(pictures int) (got []arrived) {
	for range pictures {
		src := l.pub.sources[camera].layers[0]
		key := l.pic == 0 || src.pliAt != l.asked
		l.asked = src.pliAt
		l.picture(key)
		l.pub.lastPacket, l.viewer.lastPacket = l.s.now, l.s.now
		l.at(l.s.now + 33*time.Millisecond)
		got = append(got, l.got()...)
	}
	return got
}

func (l *layered) got() (out []arrived) {
	sound, _ := l.viewer.take(l.t)
	for _, c := range sound {
		if c.payload == nil {
			continue
		}
		a := arrived{seq: c.seq, ts: c.ts, marker: c.sealed[1]&0x80 != 0, repair: c.pt == rtxPT}
		p := c.payload
		if a.repair {
			a.seq, p = binary.BigEndian.Uint16(p), p[2:]
		}
		if a.empty = len(p) == 0; !a.empty {
			r := codec.Reader{Kind: codec.VP9}
			f, err := r.Read(p, a.marker)
			if err != nil {
				l.t.Fatal(err)
			}
			a.sid, a.tid, a.pid = f.SID, f.TID, binary.BigEndian.Uint16(p[1:])&0x7fff
		}
		out = append(out, a)
	}
	return out
}

// decodes holds what came to what decoders need: no hole, and a marker at the end of each picture and nowhere else.
func decodes(t *testing.T, got []arrived) {
	t.Helper()
	for i := 1; i < len(got); i++ {
		a, b := got[i-1], got[i]
		if a.repair || b.repair {
			continue
		}
		if b.seq != a.seq+1 {
			t.Fatalf("number %d after %d", b.seq, a.seq)
		}
		if (a.ts != b.ts) != a.marker {
			t.Fatalf("packet %d: marker %v, and the next packet's picture is another: %v", i-1, a.marker, a.ts != b.ts)
		}
	}
}

func highest(got []arrived) (sid, tid uint8) {
	for _, a := range got {
		sid, tid = max(sid, a.sid), max(tid, a.tid)
	}
	return sid, tid
}

func TestAViewerGetsTheLayersThatItsPictureNeeds(t *testing.T) {
	l := newLayered(t)
	l.viewer.size(960, 540)
	got := l.run(20)
	decodes(t, got)
	if sid, tid := highest(got); sid != 2 || tid != 2 {
		t.Fatalf("up to layer %d, %d", sid, tid)
	}
	whole := len(got)
	l.viewer.size(240, 135)
	l.run(1) // what was decided before
	got = l.run(20)
	decodes(t, got)
	if sid, _ := highest(got); sid != 0 {
		t.Fatalf("a small picture is sent layer %d", sid)
	}
	if len(got) < 38 || len(got) > whole/2 {
		t.Errorf("%d packets for the small picture, %d for the large one", len(got), whole)
	}
	before := l.s.counts.pliSent.Load()
	l.viewer.size(960, 540)
	got = l.run(30)
	decodes(t, got)
	if sid, _ := highest(got[len(got)-12:]); sid != 2 {
		t.Errorf("up again only to layer %d", sid)
	}
	if n := l.s.counts.pliSent.Load() - before; n > 1 {
		t.Errorf("%d key pictures were asked for", n)
	}
	for i := 1; i < len(got); i++ {
		if got[i].pid != got[i-1].pid && got[i].pid-got[i-1].pid > 1 {
			t.Errorf("picture %d after %d", got[i].pid, got[i-1].pid)
		}
	}
}

func TestALostPacketOfALayerThatIsLeftOutLeavesNoHole(t *testing.T) {
	l := newLayered(t)
	l.viewer.size(240, 135)
	l.run(12)
	for round := range 3 { // the first, the last, and all packets of the highest layer
		l.late = nil
		l.hold = func(sid uint8, part int) bool { return sid == 2 && (round == 2 || part == round) }
		got := l.run(1)
		l.hold = nil
		got = append(got, l.run(4)...)
		decodes(t, got)
		for _, pkt := range l.late {
			l.pass(l.pub, pkt)
		}
		for _, a := range append(l.got(), l.run(1)...) {
			if !a.empty && a.sid != 0 {
				t.Errorf("round %d: the late packet was forwarded", round)
			}
		}
	}
}

func TestALostPacketOfALayerThatIsSentComesAsARepair(t *testing.T) {
	l := newLayered(t)
	l.viewer.size(480, 270)
	l.run(12)
	l.hold = func(sid uint8, part int) bool { return sid == 1 && part == 1 }
	got := l.run(1)
	l.hold = nil
	got = append(got, l.run(2)...)
	l.pass(l.pub, l.late[0])
	late := l.got()
	if len(late) != 1 || late[0].sid != 1 || !late[0].marker {
		t.Fatalf("%+v", late)
	}
	have := map[uint16]bool{late[0].seq: true}
	for _, a := range got {
		have[a.seq] = true
	}
	for n := got[0].seq; n != got[len(got)-1].seq; n++ {
		if !have[n] {
			t.Errorf("number %d never came", n)
		}
	}
}

// hint is what the publisher was told last: how many spatial layers are watched.
func (l *layered) hint() int {
	mask, _ := l.pub.sources[camera].hints.Wanted(l.s.now)
	return bits.Len8(mask)
}

func TestThePublisherIsToldHowManyLayersAreWatched(t *testing.T) {
	l := newLayered(t)
	l.viewer.size(960, 540)
	l.run(20)
	src := l.pub.sources[camera]
	if src.hinted() {
		t.Error("told while the stream begins, before it is known what viewers want")
	}
	l.run(60)
	if !src.hinted() || l.hint() != 3 {
		t.Fatalf("told %v: %d of 3 layers are watched", src.hinted(), l.hint())
	}
	l.viewer.size(240, 135)
	l.run(30)
	if l.hint() != 3 {
		t.Error("layers are switched off at once: people come back")
	}
	l.run(130)
	if l.hint() != 1 {
		t.Fatalf("%d layers are said to be watched, the picture needs one", l.hint())
	}
	l.layers = 1
	l.run(60)
	l.viewer.size(480, 270)
	if l.run(10); l.hint() != 2 {
		t.Fatalf("%d layers are asked for again", l.hint())
	}
	l.layers = 2
	l.viewer.size(480, 270)
	got := l.run(40)
	if sid, _ := highest(got[len(got)-8:]); sid != 1 {
		t.Errorf("it came, and layer %d is forwarded", sid)
	}
}

// describedAV1 makes the client's offer one of AV1 with dependency descriptors.
func describedAV1(sdp string) string {
	sdp = strings.ReplaceAll(sdp, "a=rtpmap:96 VP8/90000", fmt.Sprintf("a=extmap:%d %s\r\na=rtpmap:96 AV1/90000", depID, offer.ExtDependency.URI()))
	return sdp
}

const depID = 7

// The source numbers its frames from somewhere else; the viewer gets a structure and numbers of its own slot.
func TestAV1LayersComeWithDescriptorsOfOurOwn(t *testing.T) {
	d := newDirect(t)
	d.edit = describedAV1
	pub, viewer := d.join(true, 1), d.join(false, 1)
	viewer.size(1280, 720)
	var got []dd.Frame
	var r dd.Reader
	for pic := range 12 {
		for sid := range uint8(2) {
			desc := dd.Out{Start: true, End: true, Key: pic == 0 && sid == 0, Number: uint16(60000 + 2*pic + int(sid)), Spatial: sid}
			switch {
			case pic > 0:
				desc.Diffs = []uint16{2}
			case sid > 0:
				desc.Diffs = []uint16{1}
			}
			var ext [dd.MaxWritten]byte
			n := dd.Put(ext[:], &desc)
			var head [rtp.MaxHeader]byte
			h := rtp.Out{PT: vp8PT, Marker: sid == 1, Seq: pub.seq, TS: pub.ts, SSRC: 77001, MID: "1", Dependency: ext[:n]}
			k := rtp.Put(head[:], &h, &rtp.ExtIDs{MID: midID, Dependency: depID})
			pub.seq++
			d.pass(pub, pub.seal(t, append(head[:k:k], 0x10, 0x32, 3, 1, 2, 3)))
		}
		pub.ts += 3000
		pub.lastPacket, viewer.lastPacket = d.s.now, d.s.now
		d.at(d.s.now + 33*time.Millisecond)
		sound, _ := viewer.take(t)
		for _, c := range sound {
			var h rtp.Header
			if rtp.ParseHeader(c.sealed, &h) != nil || c.payload == nil {
				continue
			}
			var f dd.Frame
			if err := r.Read(h.Ext(depID), &f); err != nil {
				t.Fatalf("packet %d: %v", h.Seq, err)
			}
			got = append(got, f)
		}
	}
	if len(got) < 20 {
		t.Fatalf("%d packets", len(got))
	}
	if !got[0].Key() {
		t.Error("the first frame is no key frame")
	}
	for i, f := range got {
		if f.Number != got[0].Number+uint16(i) || int(f.Spatial) != i%2 {
			t.Errorf("frame %d is number %d, layer %d", i, f.Number, f.Spatial)
		}
		for _, ref := range f.Diffs() {
			if int(ref) > i {
				t.Errorf("frame %d refers to something before the key frame", i)
			}
		}
	}
	if r.Structure.Targets != 1 {
		t.Errorf("a structure with %d decode targets was passed on", r.Structure.Targets)
	}
}
