package peer_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/publisher"
	"incamera/cmd/incamera/load/receive"
	"incamera/cmd/incamera/load/viewer"
)

// media gives what comes to a publisher and a viewer, as far as there are any.
type media struct {
	shown   *viewer.Viewer
	sending *publisher.Publisher
}

func (m media) RTP(pkt []byte, size int, at int64) {
	if m.shown != nil {
		m.shown.RTP(pkt, size, at)
	}
}
func (m media) RTCP(pkt []byte, at int64) {
	if m.sending != nil {
		m.sending.RTCP(pkt)
	}
}
func (m media) Tick(now int64) {
	if m.shown != nil {
		m.shown.Tick(now)
	}
}

// stock is a PeerConnection as the library makes it, that answers an offer.
func stock(t *testing.T, offer string, set func(*webrtc.PeerConnection)) (answer string) {
	t.Helper()
	var se webrtc.SettingEngine
	se.SetIncludeLoopbackCandidate(true)
	se.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(se)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	set(pc)
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		t.Fatal(err)
	}
	a, err := pc.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(a); err != nil {
		t.Fatal(err)
	}
	<-gathered
	return pc.LocalDescription().SDP
}

// A stock forwarder: what one light client publishes, another one sees.
func TestLightClientsMeetOverAStockLibrary(t *testing.T) {
	loop, err := receive.New(receive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	identity, err := peer.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "v", "v")
	if err != nil {
		t.Fatal(err)
	}

	var sent publisher.Totals
	sending := publisher.New(publisher.Options{Totals: &sent, Shape: publisher.Single, Kbit: [3]int{150, 500, 1200}, FPS: 25})
	var sections peer.Sections
	sending.Describe(&sections)
	from := peer.New(loop, identity, &sections, media{sending: sending})
	var forwarded atomic.Uint64
	answer := stock(t, from.Offer(), func(pc *webrtc.PeerConnection) {
		pc.OnTrack(func(in *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
			for {
				p, _, err := in.ReadRTP()
				if err != nil {
					return
				}
				p.Extension, p.Extensions = false, nil
				if track.WriteRTP(p) == nil {
					forwarded.Add(1)
				}
			}
		})
	})
	if err := from.Connect(ctx, answer); err != nil {
		t.Fatal(err)
	}
	defer from.Close()

	var seen viewer.Totals
	shown := viewer.New(viewer.Options{Totals: &seen, Sample: 4, SSRC: 1})
	to := peer.New(loop, identity, &peer.Sections{Codec: peer.VP8, VideoSlots: 1}, media{shown: shown})
	shown.Attach(to)
	answer = stock(t, to.Offer(), func(pc *webrtc.PeerConnection) {
		sender, err := pc.AddTrack(track)
		if err != nil {
			t.Fatal(err)
		}
		go func() { // RTCP must be read for the library's work; it ends with the connection
			for buf := make([]byte, 1500); ; {
				if _, _, err := sender.Read(buf); err != nil {
					return
				}
			}
		}()
	})
	if err := to.Connect(ctx, answer); err != nil {
		t.Fatal(err)
	}
	defer to.Close()

	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); sending.Run(running, from) }()
	defer func() { stop(); <-done }()
	for seen.Latency.Count() < 20 {
		if ctx.Err() != nil {
			t.Fatalf("sent %d, forwarded %d, seen %+v", sent.Packets.Load(), forwarded.Load(), seen.Counts())
		}
		time.Sleep(10 * time.Millisecond)
	}
	if c := seen.Counts(); c.Forged != 0 || c.Opened == 0 {
		t.Errorf("%+v", c)
	}
}
