package sfu

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"incamera/cluster/noderpc"
	rtcpwire "incamera/media/rtcp"
)

// ordered gives the packets of a slot by sequence number: repairs arrive late.
func ordered(packets []*rtp.Packet) map[uint16]*rtp.Packet {
	m := map[uint16]*rtp.Packet{}
	for _, p := range packets {
		m[p.SequenceNumber] = p
	}
	return m
}

func holes(packets []*rtp.Packet) (missing int) {
	if len(packets) == 0 {
		return 0
	}
	have := ordered(packets)
	first, last := packets[0].SequenceNumber, packets[len(packets)-1].SequenceNumber
	for s := first; s != last; s++ {
		if have[s] == nil {
			missing++
		}
	}
	return missing
}

func TestAViewersLossesAreRepaired(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2, nackSelf: true})
	bob.sock.loseIn.Store(everyNth(10, 96))
	alice.stream(alice.camera, alice.senders[1], 50)
	eventually(t, "repairs were sent", func() bool { return b.sum(func(c *counts) *atomic.Uint64 { return &c.nackAnswered }) > 15 })
	bob.sock.loseIn.Store(everyNth(1<<30, 96))
	n := len(bob.got(3))
	eventually(t, "bob has every packet", func() bool {
		packets := bob.got(3)
		return len(packets) > n+30 && holes(packets[:len(packets)-10]) == 0
	})
	for s, p := range ordered(bob.got(3)) {
		if p.CSRC[0] != source(1, camera) || p.Payload[0]&0x80 == 0 {
			t.Fatalf("packet %d was repaired to something else", s)
		}
	}
	asked, answered := b.sum(func(c *counts) *atomic.Uint64 { return &c.nackRequests }), b.sum(func(c *counts) *atomic.Uint64 { return &c.nackAnswered })
	t.Logf("%d requests, %d answers", asked, answered)
}

func TestAPublishersLossesAreRepairedBeforeAnybodyAsks(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true, nackSelf: true})
	bob := b.join(clientOptions{name: "bob", number: 2, nackSelf: true})
	alice.stream(alice.camera, alice.senders[1], 0)
	eventually(t, "alice is seen", func() bool { return len(bob.got(3)) > 10 })
	alice.sock.loseOut.Store(everyNth(10, 96))
	eventually(t, "losses were recovered", func() bool { return b.sum(func(c *counts) *atomic.Uint64 { return &c.recovered }) > 15 })
	alice.sock.loseOut.Store(everyNth(1<<30, 96))
	n := len(bob.got(3))
	eventually(t, "bob has every packet", func() bool {
		packets := bob.got(3)
		return len(packets) > n+30 && holes(packets[:len(packets)-10]) == 0
	})
}

func TestUnwatchedSimulcastLayersAreHintedOff(t *testing.T) {
	b := newBench(t)
	alice := b.client(clientOptions{name: "alice"})
	first, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: "video/VP8"}, "cam", "cam", webrtc.WithRTPStreamID("q"))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := alice.pc.AddTransceiverFromTrack(first, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		t.Fatal(err)
	}
	tracks := map[string]*webrtc.TrackLocalStaticRTP{"q": first}
	for _, rid := range []string{"h", "f"} {
		more, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: "video/VP8"}, "cam", "cam", webrtc.WithRTPStreamID(rid))
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Sender().AddEncoding(more); err != nil {
			t.Fatal(err)
		}
		tracks[rid] = more
	}
	alice.admit(clientOptions{name: "alice", number: 1, edit: func(sdp string) string { return sdp }})
	eventually(t, "alice connects", func() bool { return alice.pc.ConnectionState() == webrtc.PeerConnectionStateConnected })
	bob := b.join(clientOptions{name: "bob", number: 2})
	var mid, rid uint8
	for _, e := range tr.Sender().GetParameters().HeaderExtensions {
		switch {
		case strings.HasSuffix(e.URI, "sdes:mid"):
			mid = uint8(e.ID)
		case strings.HasSuffix(e.URI, "sdes:rtp-stream-id"):
			rid = uint8(e.ID)
		}
	}
	if mid == 0 || rid == 0 {
		t.Fatalf("no mid or rid extension was negotiated")
	}
	sizes := map[string][2]uint16{"q": {160, 90}, "h": {320, 180}, "f": {640, 360}}
	quit, done, mute := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		muted := false
		for n := uint16(0); ; n++ {
			for name, track := range tracks {
				select {
				case <-mute:
					muted = true
				default:
				}
				if muted && name != "q" {
					continue
				}
				p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: n + 5, Timestamp: uint32(n) * 1800, Marker: true}}
				_ = p.SetExtension(mid, []byte(tr.Mid()))
				_ = p.SetExtension(rid, []byte(name))
				p.Payload = vp8Payload(true, n%10 == 0, n+1, 200)
				if n%10 == 0 {
					w, h := sizes[name][0], sizes[name][1]
					copy(p.Payload[10:], []byte{byte(w), byte(w >> 8), byte(h), byte(h >> 8)})
				}
				_ = track.WriteRTP(p)
			}
			select {
			case <-quit:
				return
			case <-tick.C:
			}
		}
	}()
	defer func() { close(quit); <-done }()
	layer := func() int {
		l := -1
		for _, ev := range b.seen() {
			for _, s := range ev.GetOccupancy().GetSlots() {
				if s.Slot == 3 && ev.Ref.Participant == "bob" && s.SourceId != 0 {
					l = int(s.Layer)
				}
			}
		}
		return l
	}
	for _, c := range []struct {
		w, h uint32
		want int
	}{{640, 360, 2}, {160, 90, 0}, {320, 180, 1}, {640, 360, 2}} {
		bob.wish(&noderpc.Wish{Slot: 3, SourceId: source(1, camera), Width: c.w, Height: c.h})
		eventually(t, "the layer that fits is chosen", func() bool { return layer() == c.want })
	}
	continuous(t, bob.got(3))
	bob.wish(&noderpc.Wish{Slot: 3, SourceId: source(1, camera), Width: 160, Height: 90})
	hinted := func(want ...bool) bool {
		var last []*noderpc.LayerHint
		for _, ev := range b.seen() {
			if h := ev.GetPublishHints(); h != nil && ev.Ref.Participant == "alice" {
				last = h.Layers
			}
		}
		for i := range want {
			if len(last) != len(want) || last[i].Active != want[i] {
				return false
			}
		}
		return last[0].Rid == "q"
	}
	eventually(t, "the big layers are hinted off", func() bool { return hinted(true, false, false) })
	close(mute)
	eventually(t, "the lowest layer goes on alone", func() bool {
		alive := true
		b.inLoop(func(s *Shard) {
			for _, p := range s.peers {
				if src := p.sources[camera]; src != nil && p.number == 1 {
					alive = src.set.Alive(2, s.now)
				}
			}
		})
		return !alive
	})
	bob.wish(&noderpc.Wish{Slot: 3, SourceId: source(1, camera), Width: 640, Height: 360})
	eventually(t, "the big layer is asked for again", func() bool { return hinted(true, false, true) })
}

func TestWhatIsStillAskedForAfterLongBeginsAKeyFrameWhereMuchIsLost(t *testing.T) {
	d := newDirect(t)
	d.n.opts.StartBitrate = 2_000_000
	pub, l := d.join(true, 1), d.listener()
	began := d.s.now
	run := func(from, to time.Duration) {
		for at := from; at < to; at += 5 * time.Millisecond {
			d.at(began + at)
			if at%(20*time.Millisecond) == 0 {
				d.pass(pub, pub.video(t, at == 0, 1000))
			}
			l.listen(t)
		}
	}
	ask := func(lost uint16) {
		plain, _ := rtcpwire.AppendNACK(nil, 7, l.Peer.video[0].ssrc, []uint16{lost}, 1000)
		sealed := make([]byte, len(plain)+l.out.RTCPOverhead())
		if _, err := l.out.SealRTCP(sealed, plain); err != nil {
			t.Fatal(err)
		}
		d.pass(l.party, sealed)
	}
	run(0, time.Second)
	old := l.video[len(l.video)-25] // half a second ago
	ask(old)
	run(time.Second, 1100*time.Millisecond)
	if n := d.s.counts.pliSent.Load(); n != 0 {
		t.Fatalf("%d requests for a key frame on a path that loses nothing", n)
	}
	l.loseEach = 3
	run(1100*time.Millisecond, 6*time.Second)
	if !l.flow.Twice() {
		t.Fatalf("the path is known to lose %.2f", l.flow.Estimator().Loss())
	}
	before := d.s.counts.pliSent.Load()
	ask(l.video[len(l.video)-2])
	run(6*time.Second, 6100*time.Millisecond)
	if n := d.s.counts.pliSent.Load(); n != before {
		t.Error("a packet that was just lost makes a key frame")
	}
	ask(l.video[len(l.video)-25])
	run(6100*time.Millisecond, 6200*time.Millisecond)
	if n := d.s.counts.pliSent.Load(); n == before {
		t.Error("no key frame is asked for")
	}
}
