package publisher

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/stamp"
	"incamera/media/codec"
	"incamera/media/dd"
	"incamera/media/rtcp"
	"incamera/media/rtp"
)

var kbit = [Layers]int{150, 500, 1200}

func TestSimulcastLayersAreWhatTheServerReads(t *testing.T) {
	c := newSimulcast(kbit, 25, false)
	c.want("f", true, 0)
	keys, bytesOf := map[string]int{}, map[string]int{}
	now := time.Now()
	for n := range uint64(250) { // ten seconds, one more key frame in between
		if n == 100 {
			for _, l := range c.all {
				l.ask.Store(true)
			}
		}
		at := time.Duration(n) * 40 * time.Millisecond
		for _, p := range c.picture(moment{n: n, since: at, now: now.Add(at)}) {
			r := codec.Reader{Kind: codec.VP8}
			f, err := r.Read(p.payload, p.marker)
			if err != nil || f.FrameEnd != p.marker {
				t.Fatalf("%v: %+v", err, f)
			}
			if f.KeyStart {
				keys[p.lane.rid]++
			}
			if len(p.payload) > maxPayload+4 {
				t.Fatalf("%d bytes", len(p.payload))
			}
			bytesOf[p.lane.rid] += len(p.payload)
		}
	}
	for l, rid := range Rids {
		rate := bytesOf[rid] * 8 / 10 / 1000
		if keys[rid] != 2 || rate < kbit[l]*9/10 || rate > kbit[l]*12/10 {
			t.Errorf("layer %s: %d key frames, %d kbit/s", rid, keys[rid], rate)
		}
	}
}

func TestALayerThatNobodyWatchesStopsAndComesBackWithAKeyFrame(t *testing.T) {
	c := newSimulcast(kbit, 25, false)
	now := time.Now()
	seen := func(n uint64) (has, key bool) {
		at := time.Duration(n) * 40 * time.Millisecond
		for _, p := range c.picture(moment{n: n, since: at, now: now.Add(at)}) {
			if p.lane.rid == "h" {
				r := codec.Reader{Kind: codec.VP8}
				f, _ := r.Read(p.payload, p.marker)
				has, key = true, key || f.KeyStart
			}
		}
		return has, key
	}
	if has, key := seen(0); !has || !key {
		t.Error("no key frame at first")
	}
	c.want("h", false, 0)
	if has, _ := seen(1); has {
		t.Error("goes on")
	}
	c.want("h", true, 0)
	if has, key := seen(20); !has || !key {
		t.Error("does not come back with a key frame")
	}
}

func TestSpatialLayersAreWhatTheServerReads(t *testing.T) {
	c := newSVC(kbit, 25)
	var d dd.Reader
	var f dd.Frame
	r := codec.Reader{Kind: codec.VP9}
	sent := map[uint16]bool{}
	now := time.Now()
	layers := map[uint8]bool{}
	for n := range uint64(120) {
		switch n {
		case 20:
			c.want("", true, 1)
		case 60:
			c.want("", true, 0) // all again: a key picture comes
		}
		at := time.Duration(n) * 40 * time.Millisecond
		packets := c.picture(moment{n: n, since: at, now: now.Add(at)})
		clear(layers)
		for i, p := range packets {
			if err := d.Read(p.descriptor, &f); err != nil {
				t.Fatalf("picture %d: %v", n, err)
			}
			facts, err := r.Read(p.payload, p.marker)
			if err != nil || facts.SID != f.Spatial || facts.TID != f.Temporal || facts.FrameStart != f.Start {
				t.Fatalf("picture %d: %v, %+v and %+v", n, err, facts, f)
			}
			if facts.KeyStart != f.Key() {
				t.Fatalf("picture %d: the payload says key %v, the descriptor %v", n, facts.KeyStart, f.Key())
			}
			if f.Key() {
				clear(sent)
			}
			for _, diff := range f.Diffs() {
				if !sent[f.Number-diff] {
					t.Fatalf("picture %d: frame %d refers to %d, which was not sent", n, f.Number, f.Number-diff)
				}
			}
			if f.End {
				sent[f.Number] = true
			}
			if p.marker != (i == len(packets)-1) {
				t.Fatalf("picture %d: marker at packet %d of %d", n, i, len(packets))
			}
			layers[f.Spatial] = true
		}
		if want := map[bool]int{true: 1, false: 3}[n >= 20 && n < 60]; len(layers) != want {
			t.Fatalf("picture %d: %d spatial layers", n, len(layers))
		}
	}
	s := &d.Structure
	if s.Spatial != 3 || s.Temporal != 3 || s.Targets != 9 || s.Width[2] != 1280 || s.Height[0] != 180 {
		t.Errorf("%+v", s)
	}
	for target := range s.Targets {
		if s.Target(s.TargetSpatial[target], s.TargetTemporal[target]) != target {
			t.Errorf("target %d is of layer %d.%d", target, s.TargetSpatial[target], s.TargetTemporal[target])
		}
	}
}

func TestTheServersLimitIsKept(t *testing.T) {
	now := time.Now()
	for name, tc := range map[string]struct {
		camera
		limit  int // kbit/s
		layers int
	}{
		"simulcast, two layers fit": {newSimulcast(kbit, 25, false), 700, 2}, "the lowest only": {newSimulcast(kbit, 25, false), 200, 1},
		"not even the lowest": {newSimulcast(kbit, 25, false), 60, 1}, "single": {newSimulcast(kbit, 25, true), 300, 1},
		"svc, two layers": {newSVC(kbit, 25), 700, 2}, "svc, less than one": {newSVC(kbit, 25), 60, 1},
	} {
		tc.want("f", true, 0)
		bytes, layers, keys := 0, map[uint8]bool{}, 0
		for n := range uint64(100) {
			m := moment{n: n, since: time.Duration(n) * 40 * time.Millisecond, limit: tc.limit * 1000 / 8 / 25}
			if n >= 50 {
				m.limit = 0
			}
			m.now = now.Add(m.since)
			for _, p := range tc.picture(m) {
				if n >= 25 && n < 50 {
					bytes += len(p.payload)
					layers[p.layer] = true
				}
				r := codec.Reader{Kind: codec.VP8}
				if f, _ := r.Read(p.payload, p.marker); n >= 50 && p.lane.pt == peer.PTVP8 && f.KeyStart {
					keys++
				}
			}
		}
		if rate := bytes * 8 / 1000; rate > tc.limit*12/10 || len(layers) != tc.layers {
			t.Errorf("%s: %d kbit/s in %d layers", name, rate, len(layers))
		}
		if came := Layers - tc.layers; tc.lanes()[0].rid != "" && keys != came {
			t.Errorf("%s: %d layers come back with %d key frames", name, came, keys)
		}
	}
}

func TestSoundIsOpusWithRoomForAStamp(t *testing.T) {
	for _, piece := range Tone {
		got := sound(piece)
		// RFC 6716 §3.2.5: code 3, one frame, padding of which the length stands before the frame.
		if got[0] != piece[0]|3 || got[1] != 0x41 || int(got[2]) != stamp.Len || !bytes.Equal(got[3:len(got)-stamp.Len], piece[1:]) {
			t.Fatalf("% x", got[:8])
		}
	}
}

// line keeps what is sent.
type line struct {
	mu   sync.Mutex
	sent []sentPacket
	rtcp [][]byte
}

type sentPacket struct {
	at      time.Time
	header  rtp.Header
	payload []byte
	ssrc    uint32
	index   uint64
}

func (l *line) SendRTP(header, payload []byte, ssrc uint32, index uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := sentPacket{at: time.Now(), payload: bytes.Clone(payload), ssrc: ssrc, index: index}
	if err := rtp.ParseHeader(bytes.Clone(header), &p.header); err != nil {
		return err
	}
	l.sent = append(l.sent, p)
	return nil
}

func (l *line) SendRTCP(pkt []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rtcp = append(l.rtcp, bytes.Clone(pkt))
	return nil
}

func (l *line) packets() []sentPacket {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent[:len(l.sent):len(l.sent)]
}

func running(t *testing.T, o Options) (*Publisher, *line) {
	t.Helper()
	o.Totals = &Totals{}
	o.Kbit, o.FPS = kbit, 25
	p, l := New(o), &line{}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx, l) }()
	t.Cleanup(func() { stop(); <-done })
	return p, l
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestWhatIsSentNamesItselfIsNumberedAndStamped(t *testing.T) {
	for _, shape := range []Shape{Simulcast, SVC, Single, None} {
		t.Run(string(shape), func(t *testing.T) {
			p, l := running(t, Options{Shape: shape, Audio: true})
			eventually(t, "too little is sent", func() bool { return len(l.packets()) >= 60 })
			last, levels, stamps := map[uint32]uint64{}, 0, 0
			for i, s := range l.packets() {
				if cc, ok := rtp.ParseTransportCC(s.header.Ext(peer.ExtTransportCC)); !ok || cc != uint16(i+1) {
					t.Fatalf("packet %d has the transport number %d", i, cc)
				}
				if last[s.ssrc] != 0 && s.index != last[s.ssrc]+1 || uint16(s.index) != s.header.Seq || s.header.SSRC != s.ssrc {
					t.Fatalf("packet %d: number %d after %d", i, s.index, last[s.ssrc])
				}
				last[s.ssrc] = s.index
				mid := string(s.header.Ext(peer.ExtMID))
				if mid != CameraOrMic(s.header.PT) {
					t.Fatalf("packet %d of type %d has the mid %q", i, s.header.PT, mid)
				}
				if rid := string(s.header.Ext(peer.ExtRID)); (rid != "") != (shape == Simulcast && mid == peer.CameraMID) {
					t.Fatalf("rid %q", rid)
				}
				if _, at, ok := stamp.Get(s.payload); ok && at <= s.at.UnixNano() {
					stamps++
				}
				if level, voice, ok := rtp.ParseLevel(s.header.Ext(peer.ExtLevel)); ok && voice && level < 40 {
					levels++
				}
			}
			if levels == 0 || stamps < 30 {
				t.Errorf("%d levels, %d stamps in %d packets", levels, stamps, len(l.packets()))
			}
			eventually(t, "no sender reports", func() bool {
				l.mu.Lock()
				defer l.mu.Unlock()
				return len(l.rtcp) > 0
			})
			_ = p
		})
	}
}

// CameraOrMic is the mid that packets of a type should name.
func CameraOrMic(pt uint8) string {
	if pt == peer.PTOpus {
		return peer.MicMID
	}
	return peer.CameraMID
}

func TestWhatTheServerMissesIsRepeated(t *testing.T) {
	p, l := running(t, Options{Shape: Single})
	eventually(t, "nothing is sent", func() bool { return len(l.packets()) > 20 })
	lost := l.packets()[10]
	nack, _ := rtcp.AppendNACK(nil, 1, lost.ssrc, []uint16{lost.header.Seq, lost.header.Seq - 1000}, 100)
	p.RTCP(nack)
	eventually(t, "not repeated", func() bool {
		for _, s := range l.packets() {
			if s.header.PT == peer.PTVP8RTX {
				if binary.BigEndian.Uint16(s.payload) != lost.header.Seq || !bytes.Equal(s.payload[2:], lost.payload) || s.header.TS != lost.header.TS {
					t.Fatal("another packet is repeated")
				}
				return true
			}
		}
		return false
	})
}

func TestAKeyFrameComesWhenItIsAskedFor(t *testing.T) {
	p, l := running(t, Options{Shape: Single})
	keys := func() (n int) {
		for _, s := range l.packets() {
			r := codec.Reader{Kind: codec.VP8}
			if f, _ := r.Read(s.payload, s.header.Marker); f.KeyStart {
				n++
			}
		}
		return n
	}
	eventually(t, "none at first", func() bool { return keys() == 1 })
	p.RTCP(rtcp.AppendPLI(nil, 1, l.packets()[0].ssrc))
	eventually(t, "no second one", func() bool { return keys() == 2 })
	if p.o.Totals.Keys.Load() != 1 {
		t.Errorf("%d asked for", p.o.Totals.Keys.Load())
	}
}

func TestWhoDoesNotSpeakSaysLittle(t *testing.T) {
	_, l := running(t, Options{Shape: None, Audio: true, Speaks: func(time.Time) bool { return false }})
	eventually(t, "nothing at all", func() bool { return len(l.packets()) > 0 })
	time.Sleep(300 * time.Millisecond)
	n := len(l.packets())
	if level, voice, ok := rtp.ParseLevel(l.packets()[0].header.Ext(peer.ExtLevel)); n > 5 || !ok || voice || level != 127 {
		t.Errorf("%d packets, level %d, voice %v", n, level, voice)
	}
}

func FuzzRTCP(f *testing.F) {
	f.Add(rtcp.AppendPLI(nil, 1, 2))
	nack, _ := rtcp.AppendNACK(nil, 1, 2, []uint16{1, 2, 30}, 100)
	f.Add(nack)
	p := New(Options{Totals: &Totals{}, Shape: Simulcast, Kbit: kbit, FPS: 25})
	f.Fuzz(func(t *testing.T, pkt []byte) { p.RTCP(pkt) })
}
