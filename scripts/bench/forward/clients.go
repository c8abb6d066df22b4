package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// localAddr is an address of this machine besides loopback, if it has one.
func localAddr() netip.Addr {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			return p.Addr()
		}
	}
	return netip.MustParseAddr("127.0.0.1")
}

// deafConn stops reading when it is told so: what comes then dies at the full receive buffer.
type deafConn struct {
	*net.UDPConn
	deaf atomic.Bool
	quit chan struct{}
	once sync.Once
}

func (c *deafConn) ReadFrom(b []byte) (int, net.Addr, error) {
	if c.deaf.Load() {
		<-c.quit
		return 0, nil, net.ErrClosed
	}
	return c.UDPConn.ReadFrom(b)
}

func (c *deafConn) Close() error {
	c.once.Do(func() { close(c.quit) })
	return c.UDPConn.Close()
}

type client struct {
	pc         *webrtc.PeerConnection
	sock       *deafConn
	audio      *webrtc.TrackLocalStaticRTP
	video      *webrtc.TrackLocalStaticRTP
	got        atomic.Uint64
	connected  chan struct{}
	onceOnline sync.Once
}

type crowd struct {
	publisher   *client
	subscribers []*client
}

func (c *crowd) close() {
	if c == nil {
		return
	}
	for _, s := range append(c.subscribers, c.publisher) {
		if s != nil {
			_ = s.sock.Close()
			_ = s.pc.Close()
		}
	}
}

func newClient(publish bool) (*client, error) {
	sock, err := net.ListenUDP("udp4", &net.UDPAddr{IP: localAddr().AsSlice()})
	if err != nil {
		return nil, err
	}
	c := &client{sock: &deafConn{UDPConn: sock, quit: make(chan struct{})}, connected: make(chan struct{})}
	var se webrtc.SettingEngine
	logs := logging.NewDefaultLoggerFactory()
	logs.DefaultLogLevel = logging.LogLevelDisabled
	se.LoggerFactory = logs
	se.SetICEUDPMux(webrtc.NewICEUDPMux(logs.NewLogger("ice"), c.sock))
	se.SetIncludeLoopbackCandidate(true)
	se.SetICETimeouts(time.Minute, 2*time.Minute, 2*time.Second)
	me := &webrtc.MediaEngine{}
	if err := me.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	ir := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(me, ir); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(se), webrtc.WithInterceptorRegistry(ir))
	if c.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return nil, err
	}
	c.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			c.onceOnline.Do(func() { close(c.connected) })
		}
	})
	c.pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		buf := make([]byte, 2000)
		for {
			if _, _, err := t.Read(buf); err != nil {
				return
			}
			c.got.Add(1)
		}
	})
	if !publish {
		for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if _, err := c.pc.AddTransceiverFromKind(k, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
				return nil, err
			}
		}
		return c, nil
	}
	for _, t := range []struct {
		mime string
		to   **webrtc.TrackLocalStaticRTP
	}{{webrtc.MimeTypeOpus, &c.audio}, {webrtc.MimeTypeVP8, &c.video}} {
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: t.mime}, t.mime, t.mime)
		if err != nil {
			return nil, err
		}
		*t.to = track
		if _, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// connect brings the publisher and all subscribers to the forwarder.
func connect(f *forwarder, s settings) (*crowd, error) {
	c := &crowd{}
	for i := range s.Subscribers + 1 {
		cl, err := newClient(i == 0)
		if err != nil {
			return c, err
		}
		if i == 0 {
			c.publisher = cl
		} else {
			c.subscribers = append(c.subscribers, cl)
		}
		if err := cl.join(f, uint32(i+1)); err != nil {
			return c, err
		}
	}
	for _, cl := range append([]*client{c.publisher}, c.subscribers...) {
		select {
		case <-cl.connected:
		case <-time.After(20 * time.Second):
			return c, fmt.Errorf("a client did not connect")
		}
	}
	time.Sleep(300 * time.Millisecond)
	if !s.Read {
		for _, cl := range c.subscribers {
			cl.sock.deaf.Store(true)
		}
	}
	return c, nil
}

func (c *client) join(f *forwarder, number uint32) error {
	offer, err := c.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	a, err := f.ask(request{
		Op: "admit", Name: fmt.Sprint("p", number), Number: number, Publisher: c.video != nil,
		Offer: c.pc.LocalDescription().SDP,
	})
	if err != nil {
		return err
	}
	return c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: a.Answer})
}

// send publishes: whole frames at once, as encoders do, a key frame every two seconds; audio every 20 ms.
func (c *client) send(s settings) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { c.sendVideo(s, quit) })
	wg.Go(func() { c.sendAudio(quit) })
	return func() { close(quit); wg.Wait() }
}

const packetSize = 1100

func (c *client) sendVideo(s settings, quit chan struct{}) {
	tick := time.NewTicker(time.Second / time.Duration(s.FPS))
	defer tick.Stop()
	perFrame := s.Kbit * 1000 / 8 / s.FPS
	seq, ts, pid := uint16(1), uint32(1), uint16(1)
	for n := 0; ; n++ {
		for left, first := perFrame, true; left > 0; first = false {
			size := min(left, packetSize)
			if left -= size; left < 20 {
				left = 0
			}
			p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: ts, Marker: left == 0}}
			p.Payload = vp8(size, first, n%(2*s.FPS) == 0, pid)
			if err := c.video.WriteRTP(p); err != nil && err != io.ErrClosedPipe {
				return
			}
			seq++
		}
		ts += 90000 / uint32(s.FPS)
		pid = pid%0x7fff + 1
		select {
		case <-quit:
			return
		case <-tick.C:
		}
	}
}

func vp8(size int, first, key bool, pid uint16) []byte {
	b := make([]byte, max(size, 20))
	b[0], b[1], b[2], b[3] = 0x80, 0x80, 0x80|byte(pid>>8), byte(pid)
	if first {
		b[0] |= 0x10
		b[4] = 0x11
		if key {
			copy(b[4:], []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01})
		}
	}
	return b
}

func (c *client) sendAudio(quit chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	payload := make([]byte, 90)
	for n := uint16(1); ; n++ {
		p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: n, Timestamp: uint32(n) * 960}, Payload: payload}
		if err := c.audio.WriteRTP(p); err != nil && err != io.ErrClosedPipe {
			return
		}
		select {
		case <-quit:
			return
		case <-tick.C:
		}
	}
}
